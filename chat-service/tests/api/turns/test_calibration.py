"""How many tokens a model counts is learnt from its turns, and decides how much goes into the next ones."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from chassis.calibration import LEAST_RATIO, MOST_RATIO
from dev.offline_llm.testing import OfflineLLM

from .conftest import Chat
from .neighbours import Neighbours
from .test_images import EYES, inline, looking, png
from .test_tools import WEATHER

INSTRUCT = "Qwen/Qwen3-235B-A22B-Instruct-2507-tput"
TALE = "The keeper counts ships. "
SMALL = f"""
allow = ["{EYES}"]
[modes.deepthinks]
model = "{INSTRUCT}"
prompt = "You are brief."
[models."{INSTRUCT}"]
context_window = 4_000
max_output_tokens = 500
"""

Start = Callable[..., AbstractContextManager[Chat]]


def other_vocabulary(llm: OfflineLLM, times: float, **fault: Any) -> None:
    """From now on prompts are so many times as many tokens; by itself offline-llm counts about as we estimate."""
    llm.behave()
    llm.misbehave({"fault": {"prompt_tokens_times": times, **fault}})


def token_ratio(chat: Chat, **asked: Any) -> float:
    """What the next turn goes by."""
    preview = chat.http().post("/context/preview", json={"model": "deepthinks", "input": "Hello.", **asked})
    assert preview.status_code == 200, preview.text
    return float(preview.json()["token_ratio"])


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A file of models of which one is described, with a small context."""
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


def test_a_file_fits_a_small_context_whose_model_counts_twice_our_estimate(
    start: Start, llm: OfflineLLM, neighbours: Neighbours, small: Path
) -> None:
    document = neighbours.files.add(TALE * 8_000)
    other_vocabulary(llm, 2, context_length=4_000)
    with start(models_file=small) as chat:
        for number in range(4):
            chat.ask(f"Tale {number}. " + TALE * 150)

        answer = chat.ask([{"role": "user", "content": [{"type": "input_file", "file_id": document}]}])

        receipt = chat.http().get(f"/responses/{answer['id']}/context").json()
    assert receipt["token_ratio"] == pytest.approx(answer["usage"]["input_tokens"] / receipt["tokens"], rel=0.1)
    assert receipt["token_ratio"] > 1.8
    assert 2_500 < answer["usage"]["input_tokens"] <= 3_500


def test_the_budget_that_memory_gets_is_divided_by_what_its_model_counts(
    start: Start, llm: OfflineLLM, neighbours: Neighbours
) -> None:
    other_vocabulary(llm, 2)
    with start() as chat:
        answers = [chat.ask(f"Tale {number}. " + TALE * 150) for number in range(4)]

        receipt = chat.http().get(f"/responses/{answers[-1]['id']}/context").json()
    budgets = [asked["token_budget"] for asked in neighbours.memory.asked]
    assert budgets[0] == 8_000
    assert budgets[-1] == pytest.approx(8_000 / receipt["token_ratio"], abs=5)
    assert budgets[-1] < 5_000


def test_what_was_learnt_outlives_a_restart(start: Start, llm: OfflineLLM) -> None:
    other_vocabulary(llm, 2)
    with start() as chat:
        chat.ask(TALE * 300)
        before = token_ratio(chat)

    with start() as chat:
        after = token_ratio(chat)

    assert before > 1.5
    assert after == before


def test_each_model_has_a_ratio_of_its_own(start: Start, llm: OfflineLLM) -> None:
    other_vocabulary(llm, 2)
    with start() as chat:
        chat.ask(TALE * 300)

        ratios = [token_ratio(chat, model=name) for name in ("deepthinks", INSTRUCT, "deepthinks-reason")]

    assert ratios[0] == ratios[1] > 1.5
    assert ratios[2] == 1.0


@pytest.mark.parametrize(("times", "bound"), [(1_000, MOST_RATIO), (0.001, LEAST_RATIO)])
def test_a_provider_that_makes_no_sense_neither_empties_nor_floods_a_context(
    start: Start, llm: OfflineLLM, neighbours: Neighbours, times: float, bound: float
) -> None:
    other_vocabulary(llm, times, context_length=10**9)
    with start(tokens_per_minute=10**9) as chat:
        for _ in range(3):
            chat.ask(TALE * 3_000)

        ratio = token_ratio(chat)

    assert ratio == pytest.approx(bound, rel=0.1)
    assert LEAST_RATIO <= ratio <= MOST_RATIO


def test_nothing_is_learnt_where_the_provider_does_not_say_what_it_counted(start: Start, llm: OfflineLLM) -> None:
    other_vocabulary(llm, 2)
    with start() as chat:
        chat.ask(TALE * 300)
        learnt = token_ratio(chat)

        other_vocabulary(llm, 2, omit_usage=True)
        chat.ask(TALE * 1_000)

        assert token_ratio(chat) == learnt > 1.5


def test_nothing_is_learnt_from_prompts_with_tools(start: Start, llm: OfflineLLM) -> None:
    other_vocabulary(llm, 2)
    with start() as chat:
        chat.ask(TALE * 300, tools=[WEATHER])

        assert token_ratio(chat) == 1.0


def test_nothing_is_learnt_from_prompts_with_images(start: Start, llm: OfflineLLM) -> None:
    other_vocabulary(llm, 2)
    with start() as chat:
        chat.ask(looking(inline(png(255, 0, 0)), text=TALE * 300))

        assert token_ratio(chat, model=EYES) == 1.0


def test_nothing_is_kept_of_models_that_the_file_does_not_describe(start: Start, llm: OfflineLLM, small: Path) -> None:
    other_vocabulary(llm, 2)
    with start(models_file=small) as chat:
        chat.ask(TALE * 300, model=EYES)

        assert token_ratio(chat, model=EYES) == 1.0


def test_a_receipt_says_what_was_known_when_its_turn_was_asked(start: Start, llm: OfflineLLM) -> None:
    other_vocabulary(llm, 2)
    with start() as chat:
        answers = [chat.ask(TALE * 300) for _ in range(2)]

        receipts = [chat.http().get(f"/responses/{answer['id']}/context").json() for answer in answers]

    assert receipts[0]["token_ratio"] == 1.0
    assert receipts[1]["token_ratio"] > 1.5
