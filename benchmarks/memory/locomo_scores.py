"""Recall on LoCoMo by the scorer that stands outside this repository, with its data, which never enters it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.memory.figures import Figure, at_least, merely, unmeasured

SCORER = "LOCOMO_SCORER"
"""Variable with the path of the scorer; it knows where its data are."""

RETRIEVER = "benchmarks.memory.locomo:Retriever"
ROWS = (
    ("LoCoMo evidence R@10", "R@10", 76.0, "66.2 (DRAGON)"),
    ("LoCoMo evidence R@20", "R@20", 82.0, "78.4 (memkeeper, reranker)"),
    ("LoCoMo evidence inside 1,000 tokens", "B1000", 83.0, "-"),
    ("LoCoMo evidence inside 2,000 tokens", "B2000", 87.0, "~78"),
)
_SCORE = re.compile(r"([RB]@?\d+)\s+([\d.]+)")
_SPEED = re.compile(r"\d+ questions, .*")


def measure(_: float) -> Iterator[Figure]:
    """Says so where there is no scorer. Raises `RuntimeError` when it fails."""
    scorer = os.environ.get(SCORER)
    if scorer is None:
        for name, _metric, must, published in ROWS:
            yield unmeasured(name, f"≥ {must:.1f}", f"{SCORER} is not set", published=published)
        return
    said = _said(scorer)
    scores = {metric: float(score) for metric, score in _SCORE.findall(_line(said, "all"))}
    for name, metric, must, published in ROWS:
        yield at_least(name, scores[metric], must, published=published)
    yield merely("LoCoMo search, in process", _SPEED.findall(said)[0])


def _said(scorer: str) -> str:
    command = [sys.executable, scorer, "--retriever", RETRIEVER]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": "."})
    if ran.returncode:
        raise RuntimeError(f"the scorer failed:\n{ran.stderr[-2_000:]}")
    return ran.stdout


def _line(said: str, label: str) -> str:
    return next(line for line in said.splitlines() if line.split()[:1] == [label])
