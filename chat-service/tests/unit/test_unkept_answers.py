"""Keys of requests whose answers are kept nowhere."""

import asyncio

import pytest

from chat_service import unkept_answers
from chat_service.problems import IdempotencyKeyReused, IdempotentAnswerNotKept, RequestInProgress
from chat_service.repeats import Repeatable
from chat_service.unkept_answers import UnkeptAnswers

ASKED = Repeatable("hash-1", "key-1")


def answer(answers: UnkeptAnswers, owner: str = "user_1", asked: Repeatable = ASKED) -> None:
    with answers.once(owner, asked):
        pass


def test_a_key_that_was_answered_is_not_answered_again() -> None:
    answers = UnkeptAnswers(60)
    answer(answers)

    with pytest.raises(IdempotentAnswerNotKept) as refused:
        answer(answers)

    assert refused.value.headers["x-should-retry"] == "false"


def test_a_key_whose_request_runs_is_refused_for_now() -> None:
    answers = UnkeptAnswers(60)

    with answers.once("user_1", ASKED), pytest.raises(RequestInProgress) as refused:
        answer(answers)

    assert refused.value.headers["retry-after"] == "1"


@pytest.mark.parametrize("end", [ValueError, asyncio.CancelledError, GeneratorExit])
def test_a_key_whose_request_came_to_nothing_is_free_again(end: type[BaseException]) -> None:
    answers = UnkeptAnswers(60)
    with pytest.raises(end), answers.once("user_1", ASKED):
        raise end

    answer(answers)


def test_a_key_with_another_request_is_refused() -> None:
    answers = UnkeptAnswers(60)
    answer(answers)

    with pytest.raises(IdempotencyKeyReused):
        answer(answers, asked=Repeatable("hash-2", "key-1"))


def test_a_key_belongs_to_its_user_and_a_request_without_one_to_nobody() -> None:
    answers = UnkeptAnswers(60)

    for owner in ("user_1", "user_2"):
        answer(answers, owner)
    for _ in range(2):
        answer(answers, asked=Repeatable("hash-1"))


def test_a_key_is_forgotten_in_the_end() -> None:
    now = 1000.0
    answers = UnkeptAnswers(60, lambda: now)
    answer(answers)

    now += 61

    answer(answers)


def test_there_is_room_for_so_many_keys_and_the_oldest_goes() -> None:
    answers = UnkeptAnswers(60)
    for number in range(unkept_answers.MOST_KEYS + 1):
        answer(answers, asked=Repeatable("hash-1", f"key-{number}"))

    answer(answers, asked=Repeatable("hash-1", "key-0"))
    with pytest.raises(IdempotentAnswerNotKept):
        answer(answers, asked=Repeatable("hash-1", f"key-{unkept_answers.MOST_KEYS}"))
