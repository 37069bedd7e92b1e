"""What is someone else's is not there."""

import json

from ..conftest import Memory, Talk


def test_another_users_conversation_and_a_missing_one_are_the_same_404(memory: Memory) -> None:
    talk = Talk("user_anna")
    memory.deliver(talk.turn("My secret is Nightingale."))

    foreign = memory.get(f"/v1/memory/conversations/{talk.id}", "user_boris")
    missing = memory.get("/v1/memory/conversations/conv_missing", "user_boris")
    erased = memory.forget(talk.id, "user_boris")

    assert [answer.status_code for answer in (foreign, missing, erased)] == [404, 404, 404]
    assert {answer.json()["code"] for answer in (foreign, missing, erased)} == {"conversation_not_remembered"}
    assert memory.get(f"/v1/memory/conversations/{talk.id}", "user_anna").status_code == 200


def test_one_user_never_finds_or_recalls_what_another_said(memory: Memory) -> None:
    annas, boris = Talk("user_anna2"), Talk("user_boris2")
    memory.deliver(annas.turn("The treasure lies under the Nightingale oak."), annas.turn("Yes."))
    memory.deliver(boris.turn("Where is the treasure?"), boris.turn("Please say."))

    found = memory.search("treasure nightingale oak", "user_boris2")
    foreign = memory.search("treasure nightingale oak", "user_boris2", conversation=annas.id)
    context = memory.context(annas.id, annas.turns[::-1], "treasure nightingale", owner="user_boris2")

    assert {each["conversation_id"] for each in found} == {boris.id}
    assert foreign == []
    assert "Nightingale" not in json.dumps(context)
    assert context["known_through"] is None


def test_an_event_that_names_another_owner_is_refused(memory: Memory) -> None:
    talk = Talk("user_anna3")
    memory.deliver(talk.turn("Mine."))

    outcome = memory.deliver(talk.turn("Not mine.", owner="user_boris3"))

    assert outcome == ["refused"]


def test_reading_needs_its_scope_and_erasing_its_own(memory: Memory) -> None:
    path = "/v1/memory/conversations/conv_1"

    read = memory.http.get(path, headers=memory.auth.headers(scope="memory:write"))
    erase = memory.http.delete(path, headers=memory.auth.headers(scope="memory:read"))
    search = memory.http.get("/v1/memory/search?q=a", headers=memory.auth.headers(scope="chat:read"))
    nobody = memory.http.get(path)

    assert [answer.status_code for answer in (read, erase, search, nobody)] == [403, 403, 403, 401]
