"""The README says where to look for what."""

import re
from pathlib import Path

import memory_service

FLOOR_PLAN = {"__init__", "__main__", "main", "settings", "problems", "dependencies"}
README = Path(__file__).parents[2] / "README.md"


def test_every_rule_module_has_its_place_in_the_readme() -> None:
    modules = {file.stem for file in Path(memory_service.__path__[0]).glob("*.py")} - FLOOR_PLAN

    section = README.read_text().partition("## Where to look")[2].partition("\n## ")[0]

    assert set(re.findall(r"`([a-z_]+)`", section)) - {"memory_service"} == modules
