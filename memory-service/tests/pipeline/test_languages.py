"""What was said is found again in languages other than English, though the question words it otherwise."""

from collections.abc import Iterator
from difflib import SequenceMatcher

import pytest

from benchmarks.memory.lab import Lab
from benchmarks.memory.languages import ASKED_FOR, HAYSTACKS, RESULTS, haystack, rank, told

TURNS = 120
MOST_COPIED = 0.75
"""Share of a question that may stand in the statement as one piece."""

LANGUAGES = sorted(path.stem for path in HAYSTACKS.glob("*.toml"))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("languages"), fold_high_tokens=10**9) as lab:
        yield lab


@pytest.mark.parametrize("language", ASKED_FOR)
def test_nine_of_ten_needles_of_a_language_are_found(lab: Lab, language: str) -> None:
    hidden: dict[str, list[tuple[str, str]]] = {}
    lab.deliver(*told(haystack(language), TURNS, hidden))

    with lab.http(language) as user:
        missed = [asked for asked, turn_id in hidden[language] if rank(user, asked, turn_id) is None]

    assert len(missed) <= len(hidden[language]) // 10, f"not among {RESULTS}: {missed}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_question_repeats_what_was_said(language: str) -> None:
    for said, asked in haystack(language).needles:
        same = SequenceMatcher(None, said, asked, autojunk=False).find_longest_match().size

        assert same <= MOST_COPIED * len(asked), asked
