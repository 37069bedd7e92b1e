"""Clients in environments of their own: openai and the AI SDK for node, LangChain and `llm` for Python."""

import re
import shutil
from pathlib import Path

import pytest

from dev.offline_llm.testing import OfflineLLM
from dev.stack import Stack

from .foreign import Foreign
from .pictures import png
from .somebody import Somebody

HERE = Path(__file__).parent
PYTHON = HERE / "python/.venv/bin/python"
NODE = ("node", "--test", "--test-reporter=junit", "--test-reporter-destination={report}", "{file}")
PYTEST = (str(PYTHON), "-m", "pytest", "-q", "-c", "pytest.ini", "--junitxml={report}", "{file}")
FILES = [
    *(
        Foreign(file, NODE, re.compile(r'^ *test\(["`](.+)["`],', re.M))
        for file in sorted(HERE.glob("node/with_*.mjs"))
    ),
    *(Foreign(file, PYTEST, re.compile(r"^def (test_\w+)", re.M)) for file in sorted(HERE.glob("python/with_*.py"))),
]


def missing(foreign: Foreign) -> str | None:
    """Why its client is not here."""
    if foreign.command is NODE and not shutil.which("node"):
        return "node is not installed"
    installed = PYTHON.parent.parent if foreign.command is PYTEST else HERE / "node/node_modules"
    return None if (installed / ".installed").exists() else f"{installed.relative_to(HERE)} is not there: make clients"


@pytest.mark.parametrize(
    ("foreign", "name"),
    [pytest.param(foreign, name, id=f"{foreign.file.stem}: {name}") for foreign in FILES for name in foreign.tests()],
)
def test_a_client_as_people_install_it(
    foreign: Foreign, name: str, stack: Stack, somebody: Somebody, offline: OfflineLLM, tmp_path: Path
) -> None:
    if reason := missing(foreign):
        pytest.skip(reason)
    variables = {
        "DEEPTHINKS_URL": f"{somebody.url}/v1",
        "DEEPTHINKS_KEY": somebody.key,
        "DEEPTHINKS_PICTURE": png("red"),
        "OFFLINE_URL": f"http://127.0.0.1:{stack.addresses['offline-llm']}",
        "HOME": str(tmp_path),
    }

    failure = foreign.result(name, tmp_path / "report.xml", variables)

    assert failure is None, failure
