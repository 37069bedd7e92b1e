"""The commands of README.md, as they stand there."""

import re
import subprocess
import sys
from pathlib import Path

from dev.stack import ROOT, Stack

README = (ROOT / "README.md").read_text()
PRINTED = "http://127.0.0.1:8080"


def block(language: str, stack: Stack) -> str:
    """The code in that language that goes through the gateway, which listens elsewhere here."""
    [code] = [code for code in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if PRINTED in code]
    return code.replace(PRINTED, stack.url)


def printed(*command: str, folder: Path) -> str:
    """What the command prints, run by somebody who stands in a checkout of this repository."""
    done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_conversation_in_the_readme_goes_as_it_says_and_can_be_repeated(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "tests").symlink_to(ROOT / "tests")

    accounts = [printed("bash", "-c", block("bash", stack), folder=tmp_path) for _ in range(2)]
    conversation = printed(sys.executable, "-c", block("python", stack), folder=tmp_path)

    assert all('"username":"Ada"' in account and '"role":"user"' in account for account in accounts)
    assert "The guarantor of the contract is Theodora Vance" in conversation
    assert "user | Who is the guarantor of the contract?" in conversation
    assert "Ingrid keeps bees on the island of Runde" in conversation
    assert '"verbatim_context": ' in conversation
    assert "Noted: Good morning! My name is Ada." in conversation
