"""Options that are more than text, and ids."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from muster_contract.errors import ConfigurationError
from muster_field.settings import digest_of, duration_ms, instant, numbers
from muster_field.wiring import new_id
from tests.field.offices import NOW


@pytest.mark.parametrize(("text", "found"), [("7", (7, 7)), ("7-9", (7, 9)), ("9-9", (9, 9))])
def test_numbers_are_one_or_a_range(text: str, found: tuple[int, int]) -> None:
    """As a person writes them."""
    assert numbers(text, "--sequence") == found


@pytest.mark.parametrize("text", ["", "0", "-1", "9-7", "1-2-3", "x", "1 000", "١", "9" * 19])  # noqa: RUF001 - no digit of ours
def test_what_is_no_range_is_refused(text: str) -> None:
    """Sequences begin at 1."""
    with pytest.raises(ConfigurationError, match="--sequence: is neither a number nor a range"):
        numbers(text, "--sequence")


def test_durations_and_instants_are_read_or_refused_with_the_options_name() -> None:
    """Place, cause and hint."""
    assert duration_ms("PT60S", "--within") == 60_000
    assert instant("2016-03-01T13:00:00+01:00", "--occurred-at") == datetime(2016, 3, 1, 12, tzinfo=UTC)
    for text in ("PT0S", "60", "P1M"):
        with pytest.raises(ConfigurationError, match="--within: is "):
            duration_ms(text, "--within")
    with pytest.raises(ConfigurationError, match="--occurred-at: is not an RFC 3339 time"):
        instant("2016-03-01T12:00:00", "--occurred-at")


def test_a_reports_digest_is_all_that_leaves_its_file(tmp_path: Path) -> None:
    """A file that cannot be read is named."""
    (tmp_path / "report").write_bytes(b"text")
    assert digest_of(tmp_path / "report", "--report-file") == sha256(b"text").hexdigest()
    with pytest.raises(ConfigurationError, match=r"--report-file: .* cannot be read"):
        digest_of(tmp_path / "nowhere", "--report-file")


def test_new_ids_are_uuids_of_version_7_of_their_instant() -> None:
    """RFC 9562: the instant in front, then version and variant, then random bits."""
    made = {new_id(NOW) for _ in range(1000)}
    assert len(made) == 1000
    assert {(one.int >> 80, one.version, one.variant) for one in made} == {(NOW, 7, "specified in RFC 4122")}
