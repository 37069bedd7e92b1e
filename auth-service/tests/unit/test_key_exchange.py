"""API keys where time is short: revocations among exchanges, and keys asked for by somebody who is being signed out."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from auth_service.access_tokens import AccessTokens
from auth_service.api_keys import KeyRings
from auth_service.devices import Device
from auth_service.key_exchange import Exchanged, KeyExchange
from auth_service.problems import TooManyApiKeys
from auth_service.schemas.api_keys import CreateApiKey
from auth_service.sign_ins import SignIns
from auth_service.signing_keys import SigningKeys
from auth_service.stores.users import User, Users
from auth_service.vault import Vault
from chassis.database import Database, Transaction
from chassis.identity import Principal
from chassis.migrations import package_migrations
from chassis.problems import Unauthenticated

from ..conftest import Clock

SECRETS = ["a secret of the present " * 2]
DEVICE = Device("a browser", "192.0.2.1")
ADA = User("user_ada", "user", "ada@example.org", "Ada", None, 1_700_000_000)
ASKED = CreateApiKey(name="a script", scopes=["chat:read"])


class House:
    """What auth has to do with keys, on a database of its own, with Ada signed in."""

    def __init__(self, database: Database, clock: Clock, most: int = 10) -> None:
        access_tokens = AccessTokens(SigningKeys(SECRETS), 600, clock)
        self.database = database
        self.sign_ins = SignIns(
            database, access_tokens, Vault(SECRETS), session_seconds=1000, grace_seconds=10, clock=clock
        )
        self.exchange = KeyExchange(database, access_tokens, clock, token_seconds=120)
        self.key_rings = KeyRings(database, self.exchange, clock, most=most)

    async def sign_in(self) -> Principal:
        sign_in = self.sign_ins.begin(ADA, DEVICE)

        def store(tx: Transaction) -> None:
            Users(tx).add(ADA)
            self.sign_ins.keep(tx, sign_in)

        await self.database.write(store)
        return Principal(ADA.id, sign_in.session.id, "user", frozenset({"account"}), None, 0, "")


@pytest.fixture
def house(tmp_path: Path, clock: Clock) -> Iterator[House]:
    with Database(tmp_path, [package_migrations("auth_service")]) as database:
        yield House(database, clock)


async def test_a_revocation_is_seen_by_exchanges_that_were_on_their_way(house: House) -> None:
    ada = await house.sign_in()

    for _ in range(10):
        key, secret = await house.key_rings.create(ada, ASKED, DEVICE)
        exchanges = [house.exchange.exchange(secret) for _ in range(20)]
        await asyncio.gather(
            *exchanges[:10], house.key_rings.revoke(ADA.id, key.id, DEVICE), *exchanges[10:], return_exceptions=True
        )

        assert not await house.exchange.holds(key.id)
        with pytest.raises(Unauthenticated):
            await house.exchange.exchange(secret)


async def test_of_parallel_revocations_one_succeeds(house: House) -> None:
    ada = await house.sign_in()
    key, _ = await house.key_rings.create(ada, ASKED, DEVICE)

    answers = await asyncio.gather(
        *(house.key_rings.revoke(ADA.id, key.id, DEVICE) for _ in range(10)), return_exceptions=True
    )

    assert answers.count(None) == 1


async def test_parallel_exchanges_of_a_key_all_get_a_token(house: House) -> None:
    ada = await house.sign_in()
    key, secret = await house.key_rings.create(ada, ASKED, DEVICE)

    answers = await asyncio.gather(*(house.exchange.exchange(secret) for _ in range(50)))

    assert {answer.key_id for answer in answers} == {key.id}
    assert (await house.exchange.exchange(secret)).token in {answer.token for answer in answers}


async def test_who_is_signed_out_gets_no_key_though_the_token_was_good_a_moment_ago(house: House) -> None:
    ada = await house.sign_in()
    await house.sign_ins.revoke_all(ADA.id)

    with pytest.raises(Unauthenticated):
        await house.key_rings.create(ada, ASKED, DEVICE)

    assert await _count(house) == 0


async def test_parallel_requests_do_not_get_more_keys_than_there_may_be(house: House) -> None:
    ada = await house.sign_in()

    answers = await asyncio.gather(
        *(house.key_rings.create(ada, ASKED, DEVICE) for _ in range(20)), return_exceptions=True
    )

    assert sum(isinstance(answer, TooManyApiKeys) for answer in answers) == 10
    assert await _count(house) == 10


async def test_all_keys_of_a_user_end_with_the_transaction_that_says_so_and_only_then(house: House) -> None:
    ada = await house.sign_in()
    secrets = [(await house.key_rings.create(ada, ASKED, DEVICE))[1] for _ in range(3)]

    def fail(tx: Transaction) -> None:
        house.key_rings.end_all(tx, ADA.id)
        raise Unauthenticated()

    with pytest.raises(Unauthenticated):
        await house.database.write(fail)
    before = await _exchanged(house, secrets)
    ended = await house.database.write(lambda tx: house.key_rings.end_all(tx, ADA.id))

    assert (before, ended, await _exchanged(house, secrets)) == (3, 3, 0)


async def test_each_beginning_and_end_of_a_key_is_in_the_audit_log(house: House) -> None:
    ada = await house.sign_in()
    one, _ = await house.key_rings.create(ada, ASKED, DEVICE)
    other, _ = await house.key_rings.create(ada, ASKED, DEVICE)
    await house.key_rings.revoke(ADA.id, one.id, DEVICE)
    await house.database.write(lambda tx: house.key_rings.end_all(tx, ADA.id, actor="operator"))

    entries = await house.database.read(
        lambda tx: tx.all("select event, actor, subject from audit_log where event like 'api_key%' order by id")
    )

    assert [tuple(entry.values()) for entry in entries] == [
        ("api_key_created", "user", one.id),
        ("api_key_created", "user", other.id),
        ("api_key_revoked", "user", one.id),
        ("api_key_revoked", "operator", other.id),
    ]


async def _exchanged(house: House, secrets: list[str]) -> int:
    answers = await asyncio.gather(*(house.exchange.exchange(secret) for secret in secrets), return_exceptions=True)
    return sum(isinstance(answer, Exchanged) for answer in answers)


async def _count(house: House) -> int:
    return int(await house.database.read(lambda tx: tx.value("select count(*) from api_keys")))
