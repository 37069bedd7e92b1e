"""What auth expects of each service that holds rows of owners: it gives or erases them, however often it is told."""

from typing import Any

import pytest

from auth_service.clients.estates import RemoteEstate
from chassis.identity import Identity, RemoteKeys
from chassis.neighbours import Neighbour, neighbour_client
from chassis.owners import ERASE_PATH, MERGE_PATH
from chassis.settings import development_secret
from dev.pacts import Pact, as_service, contract, match, served

GUEST, MERGED_BEFORE, IDLE_GUEST = "user_1", "user_2", "user_3"
ACCOUNT, ERASED_BEFORE, IDLE_ACCOUNT = "user_4", "user_5", "user_6"
INTO = "user_7"
PSEUDONYM = "former_1"
COUNTS = {"things": 2}


def it_gives(pact: Pact) -> None:
    merger = {"owner": GUEST, "into": INTO}
    repeated = {"owner": MERGED_BEFORE, "into": INTO}
    idle = {"owner": IDLE_GUEST, "into": INTO}
    it_counts(pact, "that a guest became an account", MERGE_PATH, merger, "an owner with things", {"owner": GUEST})
    it_counts(
        pact, "once more that a guest became an account", MERGE_PATH, repeated, "a guest that was merged", repeated
    )
    it_counts(pact, "that a guest who left nothing here became an account", MERGE_PATH, idle)


def it_erases(pact: Pact) -> None:
    erasure = {"owner": ACCOUNT, "pseudonym": PSEUDONYM}
    repeated = {"owner": ERASED_BEFORE, "pseudonym": PSEUDONYM}
    idle = {"owner": IDLE_ACCOUNT, "pseudonym": PSEUDONYM}
    it_counts(pact, "that an account is gone", ERASE_PATH, erasure, "an owner with things", {"owner": ACCOUNT})
    it_counts(pact, "once more that an account is gone", ERASE_PATH, repeated, "an owner that was erased", repeated)
    it_counts(pact, "that an account that left nothing here is gone", ERASE_PATH, idle)


def it_counts(pact: Pact, told: str, path: str, body: dict[str, str], state: str = "", given: Any = None) -> None:
    """The names of what is counted are the neighbour's own."""
    interaction = pact.upon_receiving(told)
    if state:
        interaction.given(state, given)
    (
        interaction.with_request("POST", path)
        .with_headers(as_service())
        .with_body(body, "application/json")
        .will_respond_with(200)
        .with_body({"counts": match.each_value_matches(COUNTS, rules=match.int(2))}, "application/json")
    )


@pytest.mark.parametrize("name", ["chat", "memory", "files", "analytics"])
async def test_owners_are_given_and_erased_however_often_it_is_said(name: str) -> None:
    with contract("auth", name) as pact:
        it_gives(pact)
        it_erases(pact)

        with served(pact) as server:
            async with neighbour_client() as http:
                identity = Identity("auth", RemoteKeys("", http), {name: development_secret(f"auth-{name}")})
                estate = RemoteEstate(Neighbour(name, server.url, http, identity))
                given = [await estate.merge(owner, INTO) for owner in (GUEST, MERGED_BEFORE, IDLE_GUEST)]
                erased = [await estate.erase(owner, PSEUDONYM) for owner in (ACCOUNT, ERASED_BEFORE, IDLE_ACCOUNT)]

    assert given == erased == [COUNTS] * 3
