"""What the summariser says is kept only as far as the turns bear it out."""

import json
from typing import Any

import pytest

from chassis.tokens import estimate_tokens
from memory_service.fold_replies import MOST_REPLACED, SUMMARY_TOKENS, BadReply, read_fold, read_merge
from memory_service.stores.turns import Turn


def a_turn(user_text: str, assistant_text: str = "") -> Turn:
    return Turn("resp_1", "u", "conv_1", 1, 1, "completed", True, user_text, assistant_text, [], None, 1, 0, 0, 0)


def a_reply(**changes: Any) -> str:
    reply = {
        "summary": "The user owns a red bicycle.",
        "priority_score": 5,
        "quote": {"turn_id": "resp_1", "text": "I own a red bicycle"},
        "facts": [],
        **changes,
    }
    return json.dumps(reply)


TURN = a_turn("Hello, can you help me today? I own a red bicycle.", "Hello! How can I help you today?")


def test_a_good_reply_is_kept() -> None:
    accepted = read_fold(a_reply(), [TURN])

    assert accepted.summary.text == "The user owns a red bicycle."
    assert accepted.quote is not None
    assert TURN.user_text[accepted.quote.quote_from : accepted.quote.quote_to] == "I own a red bicycle"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"summary": "Hello! How can I help you today?"}, "not_a_summary"),
        ({"summary": "  "}, "not_a_summary"),
        ({"summary": "Quarterly revenue of the shipping company fell."}, "not_about_the_turns"),
        ({"priority_score": 11}, "not_the_schema"),
        ({"extra": 1}, "not_the_schema"),
        ({"quote": {"turn_id": "resp_2", "text": "I own a red bicycle"}}, "invented_quote"),
        ({"quote": {"turn_id": "resp_1", "text": "How can I help you today?"}}, "invented_quote"),
    ],
    ids=str,
)
def test_a_bad_reply_is_refused_with_its_reason(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(BadReply) as refused:
        read_fold(a_reply(**changes), [TURN])

    assert refused.value.code == code


def test_a_quote_may_be_escaped_as_the_summariser_read_it() -> None:
    turn = a_turn("My rule: if a < b && b < c, the red bicycle wins.")
    quote = {"turn_id": "resp_1", "text": "if a &lt; b &amp;&amp; b &lt; c"}

    accepted = read_fold(a_reply(quote=quote), [turn])

    assert accepted.quote is not None
    assert turn.user_text[accepted.quote.quote_from : accepted.quote.quote_to] == "if a < b && b < c"


def test_a_quote_of_text_that_was_typed_escaped_is_found_as_it_was_typed() -> None:
    turn = a_turn("Write &lt;b&gt; for bold, says the red bicycle.")

    accepted = read_fold(a_reply(quote={"turn_id": "resp_1", "text": "Write &lt;b&gt; for bold"}), [turn])

    assert accepted.quote is not None
    assert turn.user_text[accepted.quote.quote_from : accepted.quote.quote_to] == "Write &lt;b&gt; for bold"


def test_where_the_user_typed_nothing_no_quote_is_wanted() -> None:
    accepted = read_fold(
        a_reply(summary="A report on bicycles", quote={"turn_id": "", "text": ""}),
        [a_turn("", "The report is on bicycles.")],
    )

    assert accepted.quote is None


def test_a_rambling_summary_is_cut() -> None:
    accepted = read_merge(json.dumps({"summary": "The bicycle is red. " * 200, "priority_score": 1}), ["A red bicycle"])

    assert estimate_tokens(accepted.text) <= SUMMARY_TOKENS
    assert accepted.text.endswith("red.")


@pytest.mark.parametrize(
    ("user_text", "assistant_text", "fact", "quote", "status"),
    [
        ("My sister Ada has 3 violins.", "So many!", "The user's sister Ada has 3 violins.", "", "active"),
        ("I am a nurse in Graz.", "Nurses work hard.", "The user works as a nurse in Graz.", "", "active"),
        ("My sister Ada has 3 violins.", "You said 103.", "The user's sister Ada has 103 violins.", "", "proposed"),
        ("My sister Ada has violins.", "Ada sold them.", "The user's sister Ada sold violins.", "", "proposed"),
        ("Is Ada allergic to nuts?", "Yes.", "Ada is allergic to nuts.", "", "proposed"),
        ("Is Ada allergic to nuts?", "Yes.", "Ada is allergic to nuts.", "Ada allergic to nuts", "proposed"),
        ("هل آدا لديها حساسية من المكسرات؟", "نعم.", "آدا لديها حساسية من المكسرات", "", "proposed"),
        ("Do you know Ada? She is allergic to nuts.", "No.", "She is allergic to nuts.", "", "active"),
    ],
    ids=[
        "said by the user",
        "in words that summarisers use",
        "a number of the assistant's",
        "a word of the assistant's",
        "asked",
        "quoted from a question",
        "asked in Arabic",
        "asked and said",
    ],
)
def test_a_fact_holds_if_the_user_stated_it_and_the_assistant_added_nothing(
    user_text: str, assistant_text: str, fact: str, quote: str, status: str
) -> None:
    found = {"text": fact, "kind": "profile", "priority": 5, "turn_ids": ["resp_1"], "quote": quote or user_text}
    reply = a_reply(summary=user_text, quote={"turn_id": "resp_1", "text": user_text}, facts=[found])

    [stated] = read_fold(reply, [a_turn(user_text, assistant_text)]).facts

    assert stated.status == status


@pytest.mark.parametrize("character", ["\0", "\x07", "\x1b", "\u202e", "\u2066"])
def test_what_does_something_to_the_text_around_it_is_left_out(character: str) -> None:
    said = f"I own a red{character} bicycle"
    fact = {"text": said, "kind": "other", "priority": 5, "turn_ids": ["resp_1"], "quote": said}
    reply = a_reply(summary=f"The user{character} owns a red bicycle.", quote={"turn_id": "resp_1", "text": said})

    accepted = read_fold(json.dumps({**json.loads(reply), "facts": [fact]}), [a_turn(said)])

    assert accepted.summary.text == "The user owns a red bicycle."
    assert [each.text for each in accepted.facts] == ["I own a red bicycle"]


def test_a_fact_contradicts_a_few_others_at_most() -> None:
    said = "I own a red bicycle"
    names = [f"f{number}" for number in range(1, 30)]
    fact = {"text": said, "kind": "other", "priority": 5, "turn_ids": ["resp_1"], "quote": said, "replaces": names}

    [stated] = read_fold(a_reply(facts=[fact]), [TURN]).facts

    assert stated.replaces == names[:MOST_REPLACED]
