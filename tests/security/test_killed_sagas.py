"""Services that die in the middle of a merge and of a deletion: both are carried through, and nothing happens twice."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from chassis.testing import eventually
from dev.stack import Stack

from .belongings import everything, settle_in, spent
from .people import PASSWORD
from .streams import first_words, slow_answers, streamed
from .test_deleting import completed, delete, down, everywhere_but_in_mails
from .visitors import Visitor, anywhere

QUESTION = "Please count slowly beside a hanging service."


@contextmanager
def frozen(stack: Stack, *names: str) -> Iterator[None]:
    """They take what is sent to them and answer nothing."""
    for name in names:
        os.kill(stack.processes[name].pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for name in names:
            os.kill(stack.processes[name].pid, signal.SIGCONT)


@pytest.mark.parametrize("killed", [["chat"], ["memory", "files", "analytics"], ["auth"]], ids=" ".join)
def test_a_service_killed_in_the_middle_does_its_part_once(killed: list[str], careful: Stack) -> None:
    with Visitor(careful, anywhere()) as visitor:
        account, leaver, guest = visitor.account(), settle_in(visitor.account()), settle_in(visitor.guest())
        account.canary = guest.canary
        before = everything(guest), [spent(careful, service) for service in ("chat", "analytics")]

        with frozen(careful, *(["memory"] if killed == ["auth"] else killed)):
            visitor.log_in(account.email or "", guest_token=guest.token).raise_for_status()
            receipt = delete(leaver)
            if killed == ["auth"]:
                careful.processes["auth"].kill()  # its requests are on their way, their answers will find nobody
        if killed == ["auth"]:
            careful.processes["auth"].start()
            careful.processes["auth"].wait_until_ready()
        else:
            with down(careful, *killed):
                pass

        assert receipt["status"] == "in_progress"
        assert completed(visitor, receipt["token"])["erased"]["memory"]
        eventually(lambda: everything(account) == before[0], seconds=30.0)
        assert [spent(careful, service) for service in ("chat", "analytics")] == before[1]
        assert everywhere_but_in_mails(careful, leaver.canary) == []


def test_while_a_service_hangs_the_stream_of_a_deleted_user_closes_at_once(careful: Stack) -> None:
    with Visitor(careful, anywhere()) as visitor:
        first, second = visitor.account(), visitor.account()
        with (
            slow_answers(careful, QUESTION, words=400, words_per_second=20),
            streamed(second, QUESTION) as events,
            frozen(careful, "memory"),
        ):
            first_words(events)
            delete(first)
            visitor.log_in(second.email or "", guest_token=visitor.guest().token).raise_for_status()
            asked_at = time.monotonic()

            second.http.post("/v1/auth/deletion", json={"password": PASSWORD}).raise_for_status()
            rest = list(events)

            assert time.monotonic() - asked_at < 5.0  # promised: 1 s; the answer itself would take 10 s and more
        assert "response.completed" not in {event["type"] for event in rest}
