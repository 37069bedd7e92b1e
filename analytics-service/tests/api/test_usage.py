"""`GET /v1/usage`: exact, one's own, for any period."""

import httpx
import pytest

from chassis.testing import FakeAuth

from ..conftest import Analytics, Running, usage_event

HOUR = 3600
NOON = 489_000 * HOUR


def counts(
    calls: int, input_tokens: int, cached: int, output_tokens: int, reasoning: int, estimated: int = 0
) -> dict[str, int]:
    """Of calls that each answered a turn."""
    return {
        "calls": calls,
        "turns": calls,
        "input_tokens": input_tokens,
        "cached_tokens": cached,
        "output_tokens": output_tokens,
        "reasoning_tokens": reasoning,
        "total_tokens": input_tokens + output_tokens,
        "estimated_calls": estimated,
    }


NOTHING = counts(0, 0, 0, 0, 0)


def test_who_used_nothing_sees_zeros(analytics: Analytics) -> None:
    report = analytics.usage()

    assert report == {
        "object": "usage",
        "from": None,
        "to": None,
        "total": NOTHING,
        "by_model": [],
        "by_conversation": [],
        "has_more": False,
    }


def test_calls_are_summed_in_total_by_model_and_by_conversation(analytics: Analytics) -> None:
    large = usage_event(model="large", conversation_id="conv_1")
    small = usage_event(
        model="small",
        conversation_id="conv_2",
        input_tokens=7,
        cached_tokens=0,
        output_tokens=1,
        reasoning_tokens=0,
        source="estimated",
    )
    alone = usage_event(model="small", conversation_id=None, mode=None, first_token_ms=None)

    analytics.deliver(large, small, alone)
    report = analytics.usage()

    assert report["total"] == counts(3, 207, 80, 41, 10, estimated=1)
    assert report["by_model"] == [
        {"model": "small", **counts(2, 107, 40, 21, 5, estimated=1)},
        {"model": "large", **counts(1, 100, 40, 20, 5)},
    ]
    assert report["by_conversation"] == [
        {"conversation_id": None, **counts(1, 100, 40, 20, 5)},
        {"conversation_id": "conv_1", **counts(1, 100, 40, 20, 5)},
        {"conversation_id": "conv_2", **counts(1, 7, 0, 1, 0, estimated=1)},
    ]


def test_one_user_never_sees_what_another_used(analytics: Analytics) -> None:
    mine = usage_event(owner="user_1", input_tokens=1, output_tokens=0)
    theirs = usage_event(owner="user_2", input_tokens=1000, output_tokens=0)

    analytics.deliver(mine, theirs)

    assert analytics.usage("user_1")["total"]["input_tokens"] == 1
    assert analytics.usage("user_2")["total"]["input_tokens"] == 1000
    assert analytics.usage("user_3")["total"] == NOTHING


def test_a_period_includes_its_start_and_excludes_its_end(analytics: Analytics) -> None:
    events = [usage_event(created_at=NOON + offset, input_tokens=2**offset) for offset in (0, 1, 2, 3)]
    analytics.deliver(*events)

    report = analytics.usage(start=NOON + 1, end=NOON + 3)

    assert report["total"]["input_tokens"] == 2 + 4
    assert (report["from"], report["to"]) == (NOON + 1, NOON + 3)


def test_only_the_hundred_largest_conversations_are_listed_and_the_report_says_so(analytics: Analytics) -> None:
    events = [usage_event(conversation_id=f"conv_{number}", input_tokens=number) for number in range(101)]
    analytics.deliver(*events[:100])
    full = analytics.usage()

    analytics.deliver(events[100])
    fuller = analytics.usage()

    assert (len(full["by_conversation"]), full["has_more"]) == (100, False)
    assert (len(fuller["by_conversation"]), fuller["has_more"]) == (100, True)
    assert fuller["by_conversation"][0]["conversation_id"] == "conv_100"
    assert fuller["total"]["calls"] == 101


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("from=20&to=10", 422, "invalid_period"),
        ("from=yesterday", 422, "invalid_request"),
        ("from=-1", 422, "invalid_request"),
        ("to=99999999999999999999", 422, "invalid_request"),
        ("since=10", 400, "unknown_parameter"),
    ],
)
def test_a_period_that_makes_no_sense_is_refused(analytics: Analytics, query: str, status: int, code: str) -> None:
    answer = analytics.http.get(f"/v1/usage?{query}", headers=analytics.auth.headers())

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_nobody_reads_usage_without_a_valid_token_that_has_the_scope(analytics: Analytics) -> None:
    def refusal(headers: dict[str, str]) -> tuple[int, str]:
        answer: httpx.Response = analytics.http.get("/v1/usage", headers=headers)
        return answer.status_code, answer.json()["code"]

    forged = FakeAuth().headers()
    expired = analytics.auth.headers(exp=1)
    unscoped = analytics.auth.headers(scope="chat:read")

    assert refusal({}) == (401, "invalid_token")
    assert refusal(forged) == (401, "invalid_token")
    assert refusal(expired) == (401, "invalid_token")
    assert refusal(unscoped) == (403, "insufficient_scope")


def test_the_sums_survive_a_restart(running: Running) -> None:
    event = usage_event()
    with running() as analytics:
        analytics.deliver(event)
        before = analytics.usage()

    with running() as analytics:
        again = analytics.outcomes(event)
        after = analytics.usage()

    assert before["total"]["calls"] == 1
    assert again == [("duplicate", None)]
    assert after == before


def test_it_is_ready_once_its_database_answers(analytics: Analytics) -> None:
    answer = analytics.http.get("/health/ready")

    assert answer.status_code == 200
