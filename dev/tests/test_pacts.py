"""Consumer contracts: written once, held ever after, replayed with credentials that work."""

from pathlib import Path

import httpx
import pytest
from pact.error import MismatchesError
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from chassis.owners import ERASE_PATH, MERGE_PATH
from chassis.testing import serve
from dev.pacts import (
    SERVICE_TOKEN,
    USERS_TOKEN,
    Pact,
    WithRealTokens,
    contract,
    contract_path,
    served,
    states,
    verify_for_auth,
)


def a_kettle(pact: Pact, litres: float) -> None:
    (
        pact.upon_receiving("a question after the kettle")
        .given("a kettle", {"litres": litres})
        .with_request("GET", "/kettle")
        .will_respond_with(200)
        .with_body({"litres": litres}, "application/json")
    )


def agree(root: Path, litres: float = 1.7, *, rewrite: bool = False, path: str = "/kettle") -> None:
    with contract("cook", "kitchen", root, rewrite) as pact:
        a_kettle(pact, litres)
        with served(pact) as server:
            httpx.get(server.url + path, trust_env=False)


def test_a_contract_is_written_once_and_stays_the_same_to_the_byte(tmp_path: Path) -> None:
    agree(tmp_path, rewrite=True)
    written = contract_path("cook", "kitchen", tmp_path).read_bytes()

    agree(tmp_path)
    agree(tmp_path, rewrite=True)

    assert contract_path("cook", "kitchen", tmp_path).read_bytes() == written


def test_an_expectation_that_the_committed_contract_lacks_is_found(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="make contracts"):
        agree(tmp_path)
    agree(tmp_path, rewrite=True)

    with pytest.raises(AssertionError, match="make contracts"):
        agree(tmp_path, litres=2.5)


def test_a_consumer_that_does_not_do_what_the_contract_says_writes_none(tmp_path: Path) -> None:
    with pytest.raises(MismatchesError):
        agree(tmp_path, rewrite=True, path="/teapot")

    assert not contract_path("cook", "kitchen", tmp_path).exists()


def test_a_state_is_named_once_with_its_parameters(tmp_path: Path) -> None:
    agree(tmp_path, rewrite=True)

    assert states("cook", "kitchen", tmp_path) == [("a kettle", {"litres": 1.7})]


def test_example_tokens_become_real_ones_and_others_stay_what_they_are() -> None:
    async def echo(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.headers.get("authorization", "none"))

    app = WithRealTokens(Starlette(routes=[Route("/", echo)]), user="of-ada", service="of-chat")
    with serve(app) as url:
        heard = [
            httpx.get(url, headers={"authorization": token} if token else {}, trust_env=False).text
            for token in (USERS_TOKEN, SERVICE_TOKEN, "Bearer other", None)
        ]

    assert heard == ["Bearer of-ada", "Bearer of-chat", "Bearer other", "none"]


def furnished_for_auth(answer: object) -> list[str]:
    """Verifies a provider that says this whatever auth tells it; returns the owners to whom it was to give things."""

    async def take(_: Request) -> JSONResponse:
        return JSONResponse(answer)

    app = Starlette(routes=[Route(path, take, methods=["POST"]) for path in (MERGE_PATH, ERASE_PATH)])
    furnished: list[str] = []
    verify_for_auth("memory", app, SecretStr("k" * 48), lambda _, owner: furnished.append(owner))
    return furnished


def test_a_provider_counts_what_it_likes_once_its_owners_have_things() -> None:
    assert furnished_for_auth({"counts": {"letters": 3, "stamps": 0}}) == ["user_1", "user_4"]


@pytest.mark.parametrize("answer", [{}, {"counts": ["letters"]}, {"counts": {"letters": "3"}}], ids=repr)
def test_a_provider_that_does_not_count_breaks_its_contract_with_auth(answer: object) -> None:
    with pytest.raises(RuntimeError):
        furnished_for_auth(answer)
