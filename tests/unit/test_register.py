"""The office register: read whole, or refused with every fault in it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from muster_contract.errors import ConfigurationError
from muster_contract.register import Office, load_register, load_registers, offices_of


def register(folder: Path, text: str) -> Path:
    """Write a register."""
    path = folder / "offices.toml"
    path.write_text(text, "utf-8")
    return path


def test_offices_in_their_order(tmp_path: Path) -> None:
    """An office needs an id; the rest has defaults."""
    path = register(
        tmp_path,
        '[[office]]\nid = "dal"\nname = "Dallas"\nzone = "America/Chicago"\nclassified_network = true\n'
        '[[office]]\nid = "los-angeles"\n',
    )
    assert load_register(path) == (
        Office(id="dal", name="Dallas", zone="America/Chicago", classified_network=True),
        Office(id="los-angeles"),
    )


def test_every_fault_at_once(tmp_path: Path) -> None:
    """One reading names all that is wrong, each with its table and key."""
    path = register(
        tmp_path,
        'offfice = 1\n[[office]]\nid = "Dal"\nzone = "America/Chigaco"\n[[office]]\nname = 3\nphone = "1"\n'
        '[[office]]\nid = "sea"\n[[office]]\nid = "sea"\nclassified_network = "no"\n',
    )
    with pytest.raises(ConfigurationError) as refused:
        load_register(path)
    assert [fault.place.removeprefix(f"{path}: ") for fault in refused.value.faults] == [
        "offfice", "office[1].id", "office[1].zone", "office[2].name", "office[2].phone", "office[2].id",
        "office[4].classified_network", "office[4].id",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "office = []\n", "office = 3\n", "office = [1]\n"])
def test_a_register_names_at_least_one_office(tmp_path: Path, text: str) -> None:
    """An empty register would refuse every event: it is a mistake."""
    with pytest.raises(ConfigurationError, match="names no office"):
        load_register(register(tmp_path, text))


@pytest.mark.parametrize(("office_id", "fits"), [("a" * 32, True), ("a" * 33, False), ("a.b", False), ("a_b", False)])
def test_an_office_id_is_part_of_a_topic(tmp_path: Path, office_id: str, fits: bool) -> None:  # noqa: FBT001 - a case
    """32 characters fit, 33 do not; dots and underscores collide in Kafka."""
    path = register(tmp_path, f'[[office]]\nid = "{office_id}"\n')
    if fits:
        assert load_register(path)[0].id == office_id
    else:
        with pytest.raises(ConfigurationError, match="is not an office id"):
            load_register(path)


def test_a_register_has_versions(tmp_path: Path) -> None:
    """The lowest first; which offices there are is told by all of them, each as the highest has it."""
    first, second = tmp_path / "a.toml", tmp_path / "b.toml"
    first.write_text('[[office]]\nid = "dal"\n[[office]]\nid = "sea"\n')
    second.write_text('version = 2\n[[office]]\nid = "dal"\nname = "Dallas"\n')
    registers = load_registers([second, first])
    assert [(r.version, r.sha256) for r in registers] == [
        (number, sha256(path.read_bytes()).hexdigest()) for number, path in ((1, first), (2, second))
    ]
    assert offices_of(registers) == (Office(id="dal", name="Dallas"), Office(id="sea"))


def test_a_version_is_given_once(tmp_path: Path) -> None:
    """Another text under its number is refused, with every other fault."""
    first, second, third = (tmp_path / name for name in ("a.toml", "b.toml", "c.toml"))
    first.write_text('[[office]]\nid = "dal"\n')
    second.write_text('version = 1\n[[office]]\nid = "sea"\n')
    third.write_text('version = 0\n[[office]]\nid = "sea"\n')
    with pytest.raises(ConfigurationError) as refused:
        load_registers([first, second, third])
    assert [fault.cause for fault in refused.value.faults] == [
        "register 1 is given twice",
        "is no whole number from 1",
    ]


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"[[office\n"])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    """A missing file and one that is not TOML are a user's mistakes, not tracebacks."""
    path = tmp_path / "offices.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"cannot be read|is not TOML"):
        load_register(path)
