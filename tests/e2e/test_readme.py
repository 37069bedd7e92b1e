"""The commands of README.md, as they stand there."""

import re
import subprocess
import sys
from pathlib import Path

from dev.stack import ROOT, Stack

README = (ROOT / "README.md").read_text()
MEMORY = (
    "\npinned | My favourite drink is tea.\n",
    "\nactive | I live in Bergen.\nconv_",
    " I live in Bergen.\n['edited', 'created']\nI live in Bergen.\nFalse 1 known at once\nTrue 3 known at once\n",
    "\nMy sister Ingrid keeps bees on the island of Runde.\n2 turns would go\n[] is left\n",
)
PRINTED = "http://127.0.0.1:8080"
TURNS = (
    "-- Is my boat called Heron? (shown)",
    " response.completed\ncompleted\n",
    'get_weather {"city":"Bergen"}\nThe weather in Bergen is rain.\n',
    "reasoning | The question is about: boat, float.",
    "['hello.py']\nhello.py version 2 ",
    "The image is a PNG of 16 x 16 pixels, mostly blue.",
    "('image', ",
    "\nMy cat is called Tom.\n",
    "The Marlin True True\n",
)


def code(language: str, stack: Stack) -> str:
    """All code in that language, from top to bottom; the gateway listens elsewhere here."""
    found = "\n".join(re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL))
    assert PRINTED in found
    return found.replace(PRINTED, stack.url)


def checkout(folder: Path, stack: Stack) -> Path:
    """A folder that looks like a checkout of this repository beside which the stack runs."""
    for name, target in {"tests": ROOT / "tests", ".data": stack.folder, ".venv": Path(sys.prefix)}.items():
        (folder / name).symlink_to(target)
    return folder


def printed(*command: str, folder: Path) -> str:
    """What the command prints, run by somebody who stands in a checkout of this repository."""
    done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_the_readme_shows_goes_as_it_says_and_can_be_repeated(stack: Stack, tmp_path: Path) -> None:
    folder = checkout(tmp_path, stack)

    accounts = [printed("bash", "-e", "-c", code("bash", stack), folder=folder) for _ in range(2)]
    conversation = printed(sys.executable, "-c", code("python", stack), folder=folder)

    for account in accounts:
        assert '"username":"Ada"' in account
        assert '"role":"user"' in account
        assert "Noted: Good evening! My name is Bea." in account
        assert "POST /v1/auth/password/reset with the token " in account
        assert '"email": "ada@example.com"' in account  # as the operators' command line shows it
        assert "event: response.completed" in account
        assert set(re.findall(r'"code":"(\w+)"', account)) <= {"email_taken"}  # of signing up a second time
    assert "The guarantor of the contract is Theodora Vance" in conversation
    assert "user | Who is the guarantor of the contract?" in conversation
    assert "Ingrid keeps bees on the island of Runde" in conversation
    assert '"verbatim_context": ' in conversation
    assert "Noted: Good morning! My name is Ada." in conversation
    assert [shown for shown in (*TURNS, *MEMORY) if shown not in conversation] == []
