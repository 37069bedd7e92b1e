"""Facts by what has become of them, by kind, by conversation and as of a time, a page at a time."""

from datetime import UTC, datetime

import pytest

from dev.offline_llm.testing import OfflineLLM

from ..conftest import Talk
from ..curator import Curator, code


@pytest.fixture
def of_each_status(ada: Curator, model: OfflineLLM) -> dict[str, str]:
    """One fact of each status; its text by its status."""
    ada.learned(model, "I suppose mountains.", "Spends holidays hiking in the alps.")
    ada.writes("Lives in Linz.", replaces=ada.writes("Lives in Graz.")["id"])
    ada.writes("Drinks tea.", pinned=True)
    ada.changes(ada.writes("Owns a boat."), status="forgotten")
    ada.changes(ada.writes("Owns a plane."), status="rejected")
    return {
        "proposed": "Spends holidays hiking in the alps.",
        "superseded": "Lives in Graz.",
        "active": "Lives in Linz.",
        "pinned": "Drinks tea.",
        "forgotten": "Owns a boat.",
        "rejected": "Owns a plane.",
    }


def test_facts_are_listed_by_what_has_become_of_them(ada: Curator, of_each_status: dict[str, str]) -> None:
    listed = {status: ada.texts(status=status) for status in of_each_status}

    assert listed == {status: [text] for status, text in of_each_status.items()}
    assert ada.texts() == ["Drinks tea.", "Lives in Linz."]
    assert len(ada.texts(status="any")) == len(of_each_status)
    assert {fact["text"]: fact["status"] for fact in ada.listed(status="any")} == {
        text: status for status, text in of_each_status.items()
    }


def test_facts_are_listed_by_kind_and_by_the_conversation_in_which_they_were_said(
    ada: Curator, model: OfflineLLM
) -> None:
    talk = ada.says(model, "I collect stamps.", "Collects stamps.", kind="preference")
    ada.says(model, "I live in Graz.", "Lives in Graz.")
    ada.writes("Drinks tea.", kind="preference")

    assert ada.texts(kind="preference") == ["Drinks tea.", "Collects stamps."]
    assert ada.texts(conversation=talk.id) == ["Collects stamps."]
    assert ada.texts(conversation=talk.id, kind="profile") == []
    assert ada.texts(conversation=Talk().id) == []
    assert Curator(ada.memory).texts(conversation=talk.id) == []


def test_as_of_a_time_those_are_listed_that_were_in_force_then(ada: Curator, model: OfflineLLM) -> None:
    old = ada.learned(model, "I live in Graz.", "Lives in Graz.")
    new = ada.writes("Lives in Linz.", replaces=old["id"])

    then, now = old["valid_from"], new["valid_from"]

    assert ada.texts(as_of=then - 1) == []
    assert ada.texts(as_of=then) == ada.texts(as_of=now - 1) == ["Lives in Graz."]
    assert ada.texts(as_of=now) == ada.texts(as_of=now + 1000) == ["Lives in Linz."]
    assert ada.texts(as_of=datetime.fromtimestamp(now - 1, UTC).isoformat()) == ["Lives in Graz."]
    assert ada.texts(as_of="2025-01-01") == []
    assert ada.texts(as_of=now, status="pinned") == []
    assert ada.texts(as_of=then, status="superseded") == ada.texts(as_of=then, status="any") == ["Lives in Graz."]
    ada.changes(new, status="forgotten")
    assert ada.texts(as_of=now) == ada.texts(as_of=now, status="forgotten") == []


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"as_of": -1}, "as_of"),
        ({"as_of": "yesterday"}, "as_of"),
        ({"as_of": 10**30}, "as_of"),
        ({"status": "gone"}, "status"),
        ({"kind": "gossip"}, "kind"),
        ({"limit": 0}, "limit"),
        ({"conversation": "x" * 65}, "conversation"),
    ],
)
def test_a_list_that_cannot_be_is_refused(ada: Curator, query: dict[str, str], param: str) -> None:
    answer = ada.asks("GET", **query)

    assert code(answer) == (422, "invalid_request")
    assert answer.json()["error"]["param"] == param


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_walk_through_the_pages_meets_each_fact_once_whatever_is_written_and_deleted_meanwhile(
    ada: Curator, order: str
) -> None:
    written = [ada.writes(f"Owns boat number {number}.") for number in range(10)]
    met: list[str] = []
    page = {"has_more": True, "last_id": None}
    for step in range(10):
        if not page["has_more"]:
            break
        query = {"limit": 3, "order": order, **({"after": page["last_id"]} if page["last_id"] else {})}
        page = ada.asks("GET", **query).json()
        met += [fact["id"] for fact in page["data"]]
        if step == 0:
            ada.deletes({"id": page["last_id"]})
            later = ada.writes("Owns one more.")

    ids = [fact["id"] for fact in written]
    expected = [*ids, later["id"]] if order == "asc" else ids[::-1]
    assert met == expected


def test_sources_come_a_page_at_a_time_oldest_or_newest_first(ada: Curator, model: OfflineLLM) -> None:
    talks = [ada.says(model, f"I live in Graz, for the time number {n}.", "Lives in Graz.") for n in range(3)]
    (fact,) = ada.listed()
    turns = [talk.turns[0] for talk in talks]
    path = f"/{fact['id']}/sources"

    first = ada.asks("GET", path, limit=2, order="asc").json()
    rest = ada.asks("GET", path, limit=2, order="asc", after=first["last_id"]).json()

    assert [source["turn_id"] for source in first["data"] + rest["data"]] == turns
    assert [source["turn_id"] for source in ada.sources(fact)] == turns[::-1]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert (first["first_id"], first["last_id"]) == (turns[0], turns[1])
    assert fact["sources"] == 3
