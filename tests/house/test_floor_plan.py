"""Open any service and you know where you are."""

import ast
import re
import subprocess

import pytest

from .house import HOUSES, ROOT, House, parsed, product_files, python_files, shown

EVERY_SERVICE_HAS = """
README.md pyproject.toml requirements.lock contracts/openapi.json
{package}/__init__.py {package}/__main__.py {package}/main.py {package}/settings.py {package}/problems.py
{package}/dependencies.py {package}/routes/__init__.py {package}/stores/__init__.py
{package}/migrations/0001_*.sql tests/unit tests/api tests/contracts
"""

FORBIDDEN_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "misc",
    "manager",
    "managers",
    "service",
    "base",
    "core",
}
SQL = re.compile(r"^\s*(select|insert into|update|delete from|create table|with recursive)\s", re.IGNORECASE)


@pytest.mark.parametrize("house", HOUSES, ids=str)
def test_a_service_has_the_floor_plan(house: House) -> None:
    wanted = EVERY_SERVICE_HAS.format(package=house.package).split()

    missing = [pattern for pattern in wanted if not list(house.folder.glob(pattern))]
    has_schemas = (house.source / "schemas.py").exists() or (house.source / "schemas/__init__.py").exists()

    assert missing == []
    assert has_schemas


def test_no_module_is_named_after_nothing() -> None:
    named = [file for file in product_files() if file.stem in FORBIDDEN_NAMES or file.parent.name in FORBIDDEN_NAMES]

    assert [shown(file) for file in named] == []


@pytest.mark.parametrize("house", HOUSES, ids=str)
def test_sql_stands_in_stores_and_migrations_only(house: House) -> None:
    elsewhere = [file for file in python_files(house.source) if "stores" not in file.relative_to(house.source).parts]

    found = [f"{shown(file)}: {text[:40]}" for file in elsewhere for text in strings(parsed(file)) if SQL.match(text)]

    assert found == []


def strings(tree: ast.Module) -> list[str]:
    """Every string of a module that is not a docstring or a field's description."""
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docs)
    return [node.value for node in constants if isinstance(node.value, str)]


@pytest.mark.parametrize("house", HOUSES, ids=str)
def test_only_settings_read_the_environment(house: House) -> None:
    readers = [file for file in python_files(house.source) if re.search(r"os\.(environ|getenv)", file.read_text())]

    assert [shown(file) for file in readers if file.name != "settings.py"] == []


@pytest.mark.parametrize("house", HOUSES, ids=str)
def test_refusals_are_problems(house: House) -> None:
    raisers = [file for file in python_files(house.source) if "raise HTTPException" in file.read_text()]

    assert [shown(file) for file in raisers] == []


def test_nothing_in_the_repository_names_a_registry_or_is_a_leftover() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    registries = re.compile(
        "|".join(("pyp" + "i\\.org", "python" + "hosted", "registry\\.npm" + "js", "deb\\.debi" + "an"))
    )

    leftovers = [name for name in tracked if re.search(r"\.(log|sqlite3.*|swp|orig|rej|pyc)$|(^|/)\.env$|~$", name)]
    naming = [
        name
        for name in tracked
        if (ROOT / name).is_file() and registries.search((ROOT / name).read_text(errors="ignore"))
    ]

    assert leftovers == []
    assert naming == []
