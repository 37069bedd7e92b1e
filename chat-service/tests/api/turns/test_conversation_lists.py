"""The list of conversations: sorted, searched, archived, pinned, and walked through while it changes."""

from typing import Any

from .conftest import Chat


def listed(chat: Chat, **params: Any) -> list[str]:
    """Ids of the conversations, first page."""
    answer = chat.http().get("/conversations", params=params)
    assert answer.status_code == 200, answer.text
    return [entry["id"] for entry in answer.json()["data"]]


def opened(chat: Chat, **fields: Any) -> str:
    answer = chat.http().post("/conversations", json=fields)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def test_a_new_turn_brings_its_conversation_to_the_front(chat: Chat) -> None:
    first, second = opened(chat), opened(chat)

    chat.ask("Hello", conversation=first)

    assert listed(chat) == [first, second]
    assert listed(chat, sort="created") == [second, first]
    assert listed(chat, order="asc") == [second, first]


def test_describing_a_conversation_does_not_move_it(chat: Chat) -> None:
    first, second = opened(chat), opened(chat)

    chat.http().post(f"/conversations/{first}", json={"title": "An old one", "pinned": True})

    assert listed(chat) == [second, first]


def test_archived_conversations_are_shown_only_when_asked_for(chat: Chat) -> None:
    kept, archived = opened(chat), opened(chat, archived=True)

    assert listed(chat) == [kept]
    assert listed(chat, archived="true") == [archived]
    assert listed(chat, archived="any") == [archived, kept]


def test_pinned_conversations_can_be_listed_apart(chat: Chat) -> None:
    pinned, other = opened(chat, pinned=True), opened(chat)

    assert listed(chat, pinned="true") == [pinned]
    assert listed(chat, pinned="false") == [other]


def test_titles_are_searched_for_all_words_in_any_case(chat: Chat) -> None:
    about_apples = opened(chat, title="Äpfel und Birnen im Garten")
    opened(chat, title="Birnen kochen")

    assert listed(chat, search="BIRNEN äpfel") == [about_apples]
    assert len(listed(chat, search="birnen")) == 2
    assert listed(chat, search="plums") == []


def test_signs_that_databases_read_otherwise_are_searched_for_as_they_are(chat: Chat) -> None:
    opened(chat, title="100 percent, under lined")
    literal = opened(chat, title=r"100% under_lined \ slash")

    for sign in ("%", "_", "\\", "100% under_"):
        assert listed(chat, search=sign) == [literal]


def test_a_search_takes_at_most_200_characters(chat: Chat) -> None:
    answer = chat.http().get("/conversations", params={"search": "x" * 201})

    assert answer.status_code in (400, 422)


def test_a_list_goes_on_where_it_was_though_its_last_conversation_moved_or_is_gone(chat: Chat) -> None:
    conversations = [opened(chat) for _ in range(6)]
    http = chat.http()

    first = http.get("/conversations", params={"limit": 2}).json()
    chat.ask("Hello", conversation=first["data"][-1]["id"])
    second = http.get("/conversations", params={"limit": 2, "after": first["last_id"]}).json()
    http.delete(f"/conversations/{second['data'][-1]['id']}")
    third = http.get("/conversations", params={"limit": 2, "after": second["last_id"]}).json()

    seen = [entry["id"] for page in (first, second, third) for entry in page["data"]]
    assert seen == conversations[::-1]
    assert not third["has_more"]


def test_a_list_goes_on_after_a_plain_id_too(chat: Chat) -> None:
    first, second, third = opened(chat), opened(chat), opened(chat)
    chat.ask("Hello", conversation=first)

    assert listed(chat, after=first) == [third, second]
    assert listed(chat, after=second, order="asc") == [third, first]
    assert listed(chat, after=second, sort="created") == [first]


def test_a_list_after_somebody_elses_conversation_is_one_after_none(chat: Chat) -> None:
    foreign = opened(chat.somebody_else())

    answers = [
        chat.http().get("/conversations", params={"after": after})
        for after in (foreign, "conv_none", f"{foreign}@nan", f"{foreign}@")
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "conversation_not_found")] * 4
