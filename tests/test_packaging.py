"""What is built is what is here: every package of the three source roots, with its data files."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE_ROOTS = ("schemas", "producers", "consumers")
PACKAGES = sorted(p.parent.relative_to(ROOT).as_posix() for r in SOURCE_ROOTS for p in (ROOT / r).glob("*/__init__.py"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """Build the wheel, and give the names of its files."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return frozenset(archive.namelist())


def test_the_packages_that_are_built_are_those_that_are_there() -> None:
    """A new package that nobody named would be missing from the wheel in silence."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert sorted(settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == PACKAGES


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_of_a_package_ships(wheel: frozenset[str], package: str) -> None:
    """Schemas, examples, SQL, policies and registers are files that the code reads at run time."""
    folder = ROOT / package
    here = {
        f"{folder.name}/{file.relative_to(folder).as_posix()}"
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert here
    assert here <= wheel


@pytest.mark.parametrize("root", [*SOURCE_ROOTS, "docker"])
def test_a_source_root_is_no_package(root: str) -> None:
    """An ``__init__.py`` in a plural folder would hide the packages in it."""
    assert not (ROOT / root / "__init__.py").exists()
