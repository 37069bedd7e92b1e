"""Rotation of refresh tokens: one successor, a short grace, and the end of a session whose token was used twice."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from auth_service.access_tokens import AccessTokens
from auth_service.devices import Device
from auth_service.problems import InvalidRefreshToken
from auth_service.schemas.sign_ins import Tokens
from auth_service.sign_ins import MOST_SESSIONS, SignIns
from auth_service.signing_keys import SigningKeys
from auth_service.stores.sessions import Session, Sessions
from auth_service.stores.users import User, Users
from auth_service.vault import Vault
from chassis.database import Database, Transaction
from chassis.migrations import package_migrations

from ..conftest import Clock

SECRETS = ["a secret of the present " * 2]
DEVICE = Device("a browser", "192.0.2.1")
ADA = User("user_ada", "user", "ada@example.org", "Ada", None, 1_700_000_000)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path, [package_migrations("auth_service")]) as opened:
        yield opened


@pytest.fixture
def make_sign_ins(database: Database, clock: Clock) -> Callable[[], SignIns]:
    def make() -> SignIns:
        access_tokens = AccessTokens(SigningKeys(SECRETS), 600, clock)
        return SignIns(database, access_tokens, Vault(SECRETS), session_seconds=1000, grace_seconds=10, clock=clock)

    return make


@pytest.fixture
def sign_ins(make_sign_ins: Callable[[], SignIns]) -> SignIns:
    return make_sign_ins()


async def test_every_refresh_answers_another_token_and_ends_none(database: Database, sign_ins: SignIns) -> None:
    token = await _signed_in(database, sign_ins)
    seen = {token}

    for _ in range(20):
        token = _next(await sign_ins.refresh(token, DEVICE))
        seen.add(token)

    assert len(seen) == 21


async def test_fifty_parallel_refreshes_have_one_successor(database: Database, sign_ins: SignIns) -> None:
    token = await _signed_in(database, sign_ins)

    answers = await asyncio.gather(*(sign_ins.refresh(token, DEVICE) for _ in range(50)))

    assert len({answer.refresh_token for answer in answers}) == 1
    assert (await _stored(database, token)).counter == 2
    assert _next(await sign_ins.refresh(_next(answers[0]), DEVICE)) != _next(answers[0])


async def test_within_the_grace_the_parent_gets_the_same_successor(
    database: Database, sign_ins: SignIns, clock: Clock
) -> None:
    token = await _signed_in(database, sign_ins)
    first = await sign_ins.refresh(token, DEVICE)
    clock.ahead += 9

    repeated = await sign_ins.refresh(token, DEVICE)

    assert repeated.refresh_token == first.refresh_token


async def test_the_grace_is_the_same_for_another_process_after_a_restart(
    database: Database, make_sign_ins: Callable[[], SignIns]
) -> None:
    before = make_sign_ins()
    token = await _signed_in(database, before)
    first = await before.refresh(token, DEVICE)

    repeated = await make_sign_ins().refresh(token, DEVICE)

    assert repeated.refresh_token == first.refresh_token


async def test_after_the_grace_the_parent_ends_the_session(database: Database, sign_ins: SignIns, clock: Clock) -> None:
    token = await _signed_in(database, sign_ins)
    successor = await sign_ins.refresh(token, DEVICE)
    clock.ahead += 12

    with pytest.raises(InvalidRefreshToken):
        await sign_ins.refresh(token, DEVICE)

    with pytest.raises(InvalidRefreshToken):
        await sign_ins.refresh(_next(successor), DEVICE)
    assert not await sign_ins.holds(_session_of(successor.access_token))
    assert await _end_of(database, token) == "reused"


async def test_the_grandparent_ends_the_session_even_within_the_grace(database: Database, sign_ins: SignIns) -> None:
    token = await _signed_in(database, sign_ins)
    child = await sign_ins.refresh(token, DEVICE)
    grandchild = await sign_ins.refresh(_next(child), DEVICE)

    with pytest.raises(InvalidRefreshToken):
        await sign_ins.refresh(token, DEVICE)

    with pytest.raises(InvalidRefreshToken):
        await sign_ins.refresh(_next(grandchild), DEVICE)


async def test_an_ended_session_has_no_grace(database: Database, sign_ins: SignIns) -> None:
    token = await _signed_in(database, sign_ins)
    await sign_ins.refresh(token, DEVICE)
    await sign_ins.end(token)

    with pytest.raises(InvalidRefreshToken):
        await sign_ins.refresh(token, DEVICE)

    assert await _end_of(database, token) == "signed_out"


async def test_an_ended_session_does_not_move_on(database: Database, sign_ins: SignIns) -> None:
    token = await _signed_in(database, sign_ins)
    await sign_ins.end(token)
    before = await _stored(database, token)

    with pytest.raises(InvalidRefreshToken):
        await sign_ins.refresh(token, DEVICE)

    assert await _stored(database, token) == before


async def test_a_sign_out_among_parallel_refreshes_wins(database: Database, sign_ins: SignIns) -> None:
    token = await _signed_in(database, sign_ins)

    refreshes = [sign_ins.refresh(token, DEVICE) for _ in range(20)]
    await asyncio.gather(*refreshes[:10], sign_ins.end(token), *refreshes[10:], return_exceptions=True)

    assert not await sign_ins.holds(token.partition(".")[0])
    with pytest.raises(InvalidRefreshToken):
        await sign_ins.refresh(token, DEVICE)


async def test_a_revocation_among_parallel_refreshes_wins(database: Database, sign_ins: SignIns) -> None:
    token = await _signed_in(database, sign_ins)
    session_id = token.partition(".")[0]

    refreshes = [sign_ins.refresh(token, DEVICE) for _ in range(20)]
    answers = await asyncio.gather(
        *refreshes[:10], sign_ins.revoke(ADA.id, session_id), *refreshes[10:], return_exceptions=True
    )

    assert not await sign_ins.holds(session_id)
    assert await _end_of(database, token) == "revoked"
    for successor in {_next(answer) for answer in answers if isinstance(answer, Tokens)}:
        with pytest.raises(InvalidRefreshToken):
            await sign_ins.refresh(successor, DEVICE)


async def test_a_sign_out_is_seen_by_checks_that_were_on_their_way(database: Database, sign_ins: SignIns) -> None:
    token = await _signed_in(database, sign_ins)
    session_id = token.partition(".")[0]

    await asyncio.gather(sign_ins.end(token), *(sign_ins.holds(session_id) for _ in range(50)))

    assert not await sign_ins.holds(session_id)


async def test_a_family_key_moved_to_another_session_proves_nothing(database: Database, sign_ins: SignIns) -> None:
    mine, theirs = await _signed_in(database, sign_ins), await _signed_in(database, sign_ins)
    stolen = (await _stored(database, mine)).family_key
    await database.write(
        lambda tx: tx.run("update sessions set family_key = ? where id = ?", stolen, theirs.partition(".")[0])
    )

    with pytest.raises(InvalidRefreshToken):
        await sign_ins.refresh(theirs, DEVICE)


async def test_a_session_of_a_deleted_user_does_not_hold(
    database: Database, sign_ins: SignIns, make_sign_ins: Callable[[], SignIns]
) -> None:
    token = await _signed_in(database, sign_ins)

    def delete(tx: Transaction) -> None:
        sign_ins.end_all(tx, ADA.id, "deleted")
        Users(tx).remove(ADA.id)

    await database.write(delete)

    for each in (sign_ins, make_sign_ins()):  # which knows it, and which has to look
        with pytest.raises(InvalidRefreshToken):
            await each.refresh(token, DEVICE)
        assert not await each.holds(token.partition(".")[0])


async def test_a_refresh_remembers_where_it_came_from(database: Database, sign_ins: SignIns) -> None:
    token = await _signed_in(database, sign_ins)

    await sign_ins.refresh(token, Device("another browser", "2001:db8::/64"))

    stored = await _stored(database, token)
    assert (stored.user_agent, stored.address) == ("another browser", "2001:db8::/64")


async def test_a_disabled_account_is_refused_and_its_session_does_not_move_on(
    database: Database, sign_ins: SignIns
) -> None:
    token = await _signed_in(database, sign_ins)
    await database.write(lambda tx: tx.run("update users set disabled_at = 1 where id = ?", ADA.id))
    before = await _stored(database, token)

    with pytest.raises(InvalidRefreshToken):
        await sign_ins.refresh(token, DEVICE)

    assert await _stored(database, token) == before


async def test_beyond_the_most_sessions_the_one_used_least_recently_ends(
    database: Database, sign_ins: SignIns, clock: Clock
) -> None:
    tokens = []
    for _ in range(MOST_SESSIONS):
        clock.ahead += 1
        tokens.append(await _signed_in(database, sign_ins))
    clock.ahead += 1
    await sign_ins.refresh(tokens[0], DEVICE)

    newest = await _signed_in(database, sign_ins)

    kept = [await sign_ins.holds(token.partition(".")[0]) for token in (tokens[0], tokens[1], tokens[2], newest)]
    assert kept == [True, False, True, True]
    assert await _end_of(database, tokens[1]) == "displaced"


async def test_ended_sessions_do_not_pile_up(database: Database, sign_ins: SignIns) -> None:
    tokens = []
    for _ in range(MOST_SESSIONS + 5):
        tokens.append(await _signed_in(database, sign_ins))
        await sign_ins.end(tokens[-1])

    holding = await _signed_in(database, sign_ins)

    stored = await database.read(lambda tx: tx.all("select id from sessions order by id"))
    assert [row["id"] for row in stored] == [token.partition(".")[0] for token in [*tokens[5:], holding]]


async def _signed_in(database: Database, sign_ins: SignIns) -> str:
    sign_in = sign_ins.begin(ADA, DEVICE)

    def store(tx: Transaction) -> None:
        if Users(tx).get(ADA.id) is None:
            Users(tx).add(ADA)
        sign_ins.keep(tx, sign_in)

    await database.write(store)
    return _next(sign_in.tokens)


def _next(tokens: Tokens) -> str:
    assert tokens.refresh_token
    return tokens.refresh_token


async def _stored(database: Database, token: str) -> Session:
    session = await database.read(lambda tx: Sessions(tx).get(token.partition(".")[0]))
    assert session is not None
    return session


async def _end_of(database: Database, token: str) -> Any:
    session_id = token.partition(".")[0]
    return await database.read(lambda tx: tx.value("select ended_reason from sessions where id = ?", session_id))


def _session_of(access_token: str) -> Any:
    return jwt.decode(access_token, options={"verify_signature": False})["sid"]
