"""Tests in other languages and environments: run once a file, reported one by one here."""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

SECONDS = 120.0


@dataclass(frozen=True)
class Foreign:
    """A file of tests. `command` runs it and leaves a JUnit report; `names` says how a test is written in it."""

    file: Path
    command: tuple[str, ...]
    names: re.Pattern[str]
    results: dict[str, str | None] = field(default_factory=dict)

    def tests(self) -> list[str]:
        """The names of its tests, as they are written."""
        return self.names.findall(self.file.read_text())

    def result(self, name: str, report: Path, variables: Mapping[str, str]) -> str | None:
        """Why that test failed, None when it passed; runs the whole file when asked first."""
        if not self.results:
            self.results.update(self._run(report, variables))
        # one test may be several: a name with `${…}` in it, or one that pytest ends with its parameters
        meant = re.compile(".+".join(re.escape(part) for part in re.split(r"\$\{\w+\}", name)) + r"(\[.+\])?")
        ran = {each: failure for each, failure in self.results.items() if meant.fullmatch(each)}
        return "\n".join(filter(None, ran.values())) or None if ran else "it did not run"

    def _run(self, report: Path, variables: Mapping[str, str]) -> dict[str, str | None]:
        command = [part.format(file=self.file.name, report=report) for part in self.command]
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        ran = subprocess.run(
            command,
            cwd=self.file.parent,
            env=kept | dict(variables),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,  # that some of them failed stands in the report
        )
        if not report.exists():
            raise AssertionError(f"{self.file.name} did not run:\n{ran.stdout}{ran.stderr}")
        return {case.attrib["name"]: _failure(case) for case in ElementTree.parse(report).iter("testcase")}


def _failure(case: ElementTree.Element) -> str | None:
    found = [case.find(kind) for kind in ("failure", "error")]
    return next((each.text or "it failed" for each in found if each is not None), None)
