"""What the house tests look at: the services, their modules, and the files around them."""

import ast
import importlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from pydantic_settings import BaseSettings

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class House:
    """One service as it lies on disk."""

    name: str

    @property
    def folder(self) -> Path:
        return ROOT / f"{self.name}-service"

    @property
    def package(self) -> str:
        return f"{self.name}_service"

    @property
    def source(self) -> Path:
        return self.folder / self.package

    def module(self, name: str) -> ModuleType:
        return importlib.import_module(f"{self.package}.{name}")

    @property
    def settings(self) -> type[BaseSettings]:
        return self.module("settings").Settings

    def __str__(self) -> str:
        return self.name


HOUSES = [House(name) for name in ("auth", "chat", "memory", "files", "analytics")]


def python_files(*folders: Path) -> list[Path]:
    return sorted(file for folder in folders for file in folder.rglob("*.py") if "__pycache__" not in file.parts)


def product_files() -> list[Path]:
    """Every Python file of the product itself, tests left out."""
    files = python_files(ROOT / "chassis/chassis", ROOT / "dev", *(house.source for house in HOUSES))
    return [file for file in files if "tests" not in file.parts]


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def shown(file: Path) -> str:
    return str(file.relative_to(ROOT))
