"""A ledger's URL chooses the ledger, and a slip in it is explained without showing it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from muster_contract.errors import ConfigurationError
from muster_hq.ledger.opening import open_ledger, open_reader
from muster_hq.ledger_port import LedgerAway, LedgerError


def test_an_absolute_path_has_four_slashes(tmp_path: Path) -> None:
    """What was written there is read there."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    assert url.startswith("sqlite:////")
    with closing(open_ledger(url)) as ledger, closing(open_reader(url)) as reader:
        ledger.register(["dal"])
        assert reader.clocks().keys() == {"", "dal"}


def test_three_slashes_are_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in every other program that takes such URLs."""
    monkeypatch.chdir(tmp_path)
    open_ledger("sqlite:///ledger.db").close()
    assert (tmp_path / "ledger.db").exists()


def test_reading_does_not_make_a_ledger(tmp_path: Path) -> None:
    """A slip in the path is an error, not an empty answer."""
    with pytest.raises(LedgerError, match="does it exist"):
        open_reader(f"sqlite:///{tmp_path}/none.db")


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("postgresql://hq:hunter2@[::1/muster", "no PostgreSQL URL"),
        ("postgresql://hq@db/muster?hunter2=1", "no PostgreSQL URL"),
        ("sqlite://hunter2.db", "three slashes"),
        ("sqlite:///", "three slashes"),
        ("hunter2.db", "no URL"),
        ("", "no URL"),
    ],
)
def test_another_url_is_refused_and_not_shown(url: str, cause: str) -> None:
    """It could hold a password."""
    with pytest.raises(ConfigurationError, match=cause) as refused:
        open_ledger(url)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("open_", [open_ledger, open_reader])
def test_a_database_that_is_not_there_is_named_without_its_password(open_: Callable[[str], object]) -> None:
    """Where, why, and what to look at."""
    with pytest.raises(LedgerAway, match=r"postgresql://127\.0\.0\.1:1/muster: cannot be reached") as refused:
        open_("postgresql://hq:hunter2@127.0.0.1:1/muster")
    assert "hunter2" not in str(refused.value)
