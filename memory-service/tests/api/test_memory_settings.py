"""Whether facts are used in every conversation, or only where they were said."""

from typing import Any

from dev.offline_llm.testing import OfflineLLM

from ..curator import Curator, code

SETTINGS = "/v1/memory/settings"


def settings_of(person: Curator) -> Any:
    return person.memory.get(SETTINGS, person.id).json()


def choose(person: Curator, body: Any, **claims: Any) -> Any:
    headers = person.memory.auth.headers(person.id, **claims)
    return person.memory.http.patch(SETTINGS, json=body, headers=headers)


def test_facts_are_used_across_conversations_unless_the_user_says_otherwise(ada: Curator, model: OfflineLLM) -> None:
    talk = ada.says(model, "I live in Graz.", "Lives in Graz.")
    ada.writes("Drinks tea.")
    assert settings_of(ada) == {"object": "memory.settings", "facts_across_conversations": True}
    assert sorted(ada.known()) == ["Drinks tea.", "Lives in Graz."]

    answer = choose(ada, {"facts_across_conversations": False})

    assert answer.json() == settings_of(ada) == {"object": "memory.settings", "facts_across_conversations": False}
    assert ada.known() == ["Drinks tea."]
    assert sorted(ada.known(talk)) == ["Drinks tea.", "Lives in Graz."]
    assert settings_of(Curator(ada.memory))["facts_across_conversations"] is True


def test_nothing_given_is_nothing_changed(ada: Curator) -> None:
    choose(ada, {"facts_across_conversations": False})

    assert choose(ada, {}).json()["facts_across_conversations"] is False
    assert choose(ada, {"facts_across_conversations": None}).json()["facts_across_conversations"] is False


def test_what_is_no_choice_is_refused(ada: Curator) -> None:
    assert code(choose(ada, {"facts_across_conversations": "no"})) == (422, "invalid_request")
    assert code(choose(ada, {"everything": False})) == (400, "unknown_parameter")
    assert code(choose(ada, {"facts_across_conversations": False}, scope="memory:read")) == (403, "insufficient_scope")
    assert settings_of(ada)["facts_across_conversations"] is True


def test_a_token_of_an_account_that_is_gone_chooses_nothing(ada: Curator) -> None:
    ada.memory.erase(ada.id)

    assert code(choose(ada, {"facts_across_conversations": False})) == (401, "invalid_token")
    assert settings_of(ada)["facts_across_conversations"] is True
