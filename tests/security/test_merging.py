"""A guest who becomes somebody: all that the guest made is the account's, once, and nobody else's."""

from collections.abc import Iterator

import httpx
import pytest

from chassis.testing import eventually
from dev.stack import Stack

from .belongings import everything, say, settle_in, spent, usage
from .people import PASSWORD, Person
from .streams import first_words, resumed, slow_answers, streamed, text_of
from .visitors import Visitor, anywhere, at_once, fresh_email

QUESTION = "Please count slowly to yourself."
LISTS = {
    "chat": "/v1/conversations",
    "memory": "/v1/memory/search?q={canary}",
    "files": "/v1/files",
}


@pytest.fixture
def visitor(careful: Stack) -> Iterator[Visitor]:
    with Visitor(careful, anywhere()) as client:
        yield client


def seen_by_services(careful: Stack, person: Person) -> dict[str, object]:
    """What the services say to a token that is still good in itself, asked behind the gateway's back."""
    with httpx.Client(headers={"authorization": f"Bearer {person.token}"}) as http:
        urls = {name: f"http://127.0.0.1:{careful.addresses[name]}" for name in (*LISTS, "analytics")}
        lists = {
            name: http.get(urls[name] + path.format(canary=person.canary)).json().get("data", [])
            for name, path in LISTS.items()
        }
        spent = http.get(urls["analytics"] + "/v1/usage").json().get("total", {}).get("calls", 0)
    return {**lists, "analytics": spent}


NOTHING = {"chat": [], "memory": [], "files": [], "analytics": 0}


def test_whoever_signs_up_as_a_guest_finds_everything_and_the_guest_nothing(careful: Stack, visitor: Visitor) -> None:
    guest = settle_in(visitor.guest())
    before = everything(guest)
    written = [spent(careful, service, guest.id) for service in ("chat", "analytics")]

    account = visitor.account(guest_token=guest.token)
    account.canary = guest.canary

    assert everything(account) == before
    assert [spent(careful, service, account.id) for service in ("chat", "analytics")] == written
    assert [spent(careful, service, guest.id) for service in ("chat", "analytics")] == [[(0, 0, 0)]] * 2
    assert seen_by_services(careful, guest) == NOTHING
    assert visitor.refresh(guest.tokens["refresh_token"]).status_code == 401
    assert visitor.me(guest.token).status_code == 401
    eventually(lambda: guest.http.get("/v1/conversations").status_code == 401)


def test_whoever_logs_in_as_a_guest_has_both(visitor: Visitor) -> None:
    account = settle_in(visitor.account())
    guest = settle_in(visitor.guest())
    mine, theirs = everything(account), everything(guest)

    visitor.signed_in(account.email or "", guest_token=guest.token)
    both = everything(account)

    assert both["conversations"] == mine["conversations"] | theirs["conversations"]
    assert both["files"] == mine["files"] | theirs["files"]
    assert both["facts"] == mine["facts"] | theirs["facts"]
    assert both["usage"] == {name: mine["usage"][name] + theirs["usage"][name] for name in mine["usage"]}
    answer = say(account, guest.things["conversation"], "What is my dog number 0 called?")
    assert guest.canary in str(answer["output"])  # what was folded away of the guest's is remembered for the account


def test_a_turn_that_runs_meanwhile_goes_on_and_is_the_accounts(careful: Stack, visitor: Visitor) -> None:
    guest = visitor.guest()
    conversation = guest.post("/v1/conversations", json={})["id"]
    with slow_answers(careful, QUESTION, words=40, words_per_second=20) as answer:
        with streamed(guest, QUESTION, conversation) as events:
            seen = first_words(events)

            account = visitor.account(guest_token=guest.token)
            response = seen[0]["response"]["id"]
            running = account.get(f"/v1/responses/{response}")
            again = resumed(account, response)
            seen += events

    assert running["status"] == "in_progress"
    assert (seen[-1]["type"], text_of(seen)) == ("response.completed", answer)
    assert again == seen
    assert guest.http.get(f"/v1/responses/{response}").status_code == 401
    counted = seen[-1]["response"]["usage"]
    eventually(lambda: usage(account)["calls"] == 1)
    assert usage(account)["output_tokens"] == counted["output_tokens"]
    assert say(account, conversation, "Thank you.")["status"] == "completed"
    assert seen_by_services(careful, guest) == {**NOTHING}


def test_of_twenty_accounts_that_want_a_guest_at_once_one_gets_it_whole(visitor: Visitor) -> None:
    guest = visitor.guest()
    conversation = guest.post("/v1/conversations", json={})["id"]
    accounts = [visitor.account() for _ in range(4)]
    places = [{"x-forwarded-for": anywhere()} for _ in accounts]

    def want(number: int) -> httpx.Response:
        body = {"email": accounts[number % 4].email, "password": PASSWORD, "guest_token": guest.token}
        return visitor.post("/v1/auth/login", json=body, headers=places[number % 4])

    answers = at_once(20, want)

    got = [answer for answer in answers if answer.status_code == 200]
    assert len({answer.json()["user"]["id"] for answer in got}) == 1
    assert {answer.json()["code"] for answer in answers if answer not in got} == {"guest_already_merged"}
    holders = [each for each in accounts if each.http.get(f"/v1/conversations/{conversation}").is_success]
    assert [each.id for each in holders] == [got[0].json()["user"]["id"]]


def test_nobody_gets_a_guests_things_with_anything_but_the_guests_own_good_token(visitor: Visitor) -> None:
    guest, account = visitor.guest(), visitor.account()
    gone = visitor.guest()
    visitor.log_out(gone.tokens["refresh_token"])

    answers = [
        visitor.log_in(account.email or "", guest_token=token)
        for token in (guest.id, guest.tokens["refresh_token"], guest.token[:-8], gone.token, account.token)
    ]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(422, "invalid_guest_token")}
    assert visitor.me(guest.token).status_code == 200


def test_a_sign_up_that_is_refused_leaves_the_guest_as_it_was(visitor: Visitor) -> None:
    guest = visitor.guest()
    conversation = guest.post("/v1/conversations", json={})["id"]

    refused = [
        visitor.sign_up(fresh_email(), "short", guest_token=guest.token),
        visitor.log_in(fresh_email(), guest_token=guest.token),
        visitor.post("/v1/auth/verify-email", json={"token": "t" * 43, "guest_token": guest.token}),
    ]

    assert not any(answer.is_success for answer in refused)
    assert guest.get(f"/v1/conversations/{conversation}")["id"] == conversation
