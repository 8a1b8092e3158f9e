"""What we depend on: declared, bounded from below, installed in such a version, and of a licence that goes with ours."""

import ast
import re
import sys
import tomllib
from importlib.metadata import metadata, packages_distributions, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("rfidguard", "drivers", "rules", "simulators")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
RUNTIME = list(PROJECT["dependencies"])
EXTRA = [entry for entries in PROJECT["optional-dependencies"].values() for entry in entries]
FITS = re.compile(r"MIT|BSD|Apache|GPL-3|LGPL|MPL-2|EPL-2\.0 OR|Python Software Foundation|PSF", re.IGNORECASE)


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9_.-]+", requirement)
    assert found is not None
    return found[0]


def numbers(text: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", text)][:3]


@pytest.mark.parametrize("requirement", RUNTIME + EXTRA)
def test_every_dependency_says_from_which_version_on(requirement: str) -> None:
    least = re.search(r">=([0-9.]+)", requirement)
    assert least is not None
    assert numbers(version(name_of(requirement))) >= numbers(least[1])


@pytest.mark.parametrize("requirement", RUNTIME + EXTRA)
def test_every_dependency_has_a_licence_that_goes_with_ours(requirement: str) -> None:
    about = metadata(name_of(requirement))
    said = [about.get("License-Expression", ""), about.get("License", ""), *(about.get_all("Classifier") or [])]
    assert any(FITS.search(text) for text in said if text), said


def test_what_the_program_imports_is_declared() -> None:
    owners = packages_distributions()
    declared = {name_of(entry).lower().replace("_", "-") for entry in RUNTIME + EXTRA} | {"starlette"}  # fastapi shows it
    imported = {name for folder in OURS for path in (ROOT / folder).rglob("*.py") for name in top_imports(path)}
    foreign = {name for name in imported if name not in sys.stdlib_module_names and name not in OURS}
    undeclared = {name for name in foreign if not {owner.lower().replace("_", "-") for owner in owners.get(name, [])} & declared}
    assert undeclared - {"pydantic_core"} == set()  # pydantic's own other half


def top_imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    plain = {alias.name.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
