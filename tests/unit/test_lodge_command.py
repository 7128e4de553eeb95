"""Lodging: what a document system exports becomes records of headquarters' own stream, or every fault is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from muster_contract.codec import decode
from muster_contract.errors import ConfigurationError
from muster_contract.topics import DIRECTIVES
from muster_hq.__main__ import app
from muster_hq.commands.lodge import read_lodgings
from muster_hq.embedded import EmbeddedBroker
from muster_hq.kafka import Scan

ONE, TWO = "00" * 32, "ab" * 32
CSV = f"report_reference,report_sha256\nr-1,{ONE}\nr-2,{TWO}\nr-1,{ONE}\n"
JSON = f'{{"report_reference": "r-1", "report_sha256": "{ONE}"}}\n\n'
JSON += f'{{"report_sha256": "{TWO}", "report_reference": "r-2"}}\n'
BOTH = [("r-1", bytes(32)), ("r-2", bytes([0xAB] * 32))]


@pytest.fixture
def bootstrap() -> Iterator[str]:
    """Run a broker with headquarters' own stream."""
    with EmbeddedBroker() as broker:
        broker.create_topic(DIRECTIVES)
        yield broker.bootstrap


def run(file: Path | str, bootstrap: str, text: str | None = None) -> Result:
    """Run the program."""
    return CliRunner().invoke(app, ["lodge", str(file), "--bootstrap", bootstrap], input=text)


def lodged(bootstrap: str) -> list[tuple[str, bytes]]:
    """Read what stands in the log."""
    with Scan({}, bootstrap=bootstrap, topics=[DIRECTIVES], trust_create_time=True) as scan:
        said = [decode(record.value) for record in scan]
    assert {schema.name for schema, _ in said} <= {"ReportLodged"}
    assert len({fields["event_id"] for _, fields in said}) == len(said)
    return [(fields["report_reference"], fields["report_sha256"]) for _, fields in said]


def test_a_file_is_lodged_each_report_once(tmp_path: Path, bootstrap: str) -> None:
    """Again, it is told again; the first counts, whatever the id."""
    (tmp_path / "export.csv").write_text(CSV)
    for times in (1, 2):
        result = run(tmp_path / "export.csv", bootstrap)
        assert (result.exit_code, result.stdout) == (0, "2 reports lodged\n")
        assert lodged(bootstrap) == BOTH * times


def test_the_standard_input_is_read(bootstrap: str) -> None:
    """As JSON Lines here."""
    assert run("-", bootstrap, JSON).stdout == "2 reports lodged\n"
    assert lodged(bootstrap) == BOTH


@pytest.mark.parametrize(
    "text", [CSV, JSON, CSV.replace("\n", "\r\n"), f"report_sha256,x,report_reference\n{ONE},,r-1\n{TWO},,r-2"]
)
def test_both_forms_say_the_same(text: str) -> None:
    """Columns stand in any order, and others may stand among them."""
    assert read_lodgings(text, "file") == BOTH


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", ["file:1: the header has not one column report_reference and one report_sha256"]),
        (f"reference,report_sha256\nr-1,{ONE}\n", ["file:1: the header has not one column report_reference"]),
        (
            f"report_reference,report_sha256\na report,{ONE}\nr-1\nr-2,{TWO.upper()}\n",
            ["file:2: report_reference: is not", "file:3: has 1 cells", "file:4: report_sha256: is no SHA-256"],
        ),
        ('report_reference,report_sha256\n"r-1\n', ["file:2: is no CSV"]),
        (
            '{"report_reference": 1, "report_sha256": "x"}\n[]\n{\n{"report_reference": "r-1"}\n',
            [
                "file:1: report_reference",
                "file:1: report_sha256",
                "file:2: is not a JSON object",
                "file:3: is not a JSON object",
                "file:4: report_sha256",
            ],
        ),
    ],
)
def test_every_fault_is_named_with_its_line(text: str, faults: list[str]) -> None:
    """And none shows what stands there."""
    with pytest.raises(ConfigurationError) as refusal:
        read_lodgings(text, "file")
    named = sorted(map(str, refusal.value.faults))
    assert len(named) == len(faults)
    assert all(fault.startswith(start) for fault, start in zip(named, faults, strict=True))
    assert "a report" not in str(refusal.value)


def test_nothing_is_sent_of_a_file_with_a_fault(tmp_path: Path, bootstrap: str) -> None:
    """Exit code 2."""
    (tmp_path / "export.csv").write_text(CSV + "r-3,x\n")
    result = run(tmp_path / "export.csv", bootstrap)
    assert result.exit_code == 2
    assert "export.csv:5: report_sha256: is no SHA-256 (64 lower-case hex digits)" in result.stderr
    assert lodged(bootstrap) == []


@pytest.mark.parametrize(("content", "why"), [(None, "cannot be read"), (b"\xff\xfe", "is not UTF-8 text")])
def test_what_cannot_be_read_is_refused(content: bytes | None, why: str, tmp_path: Path) -> None:
    """Exit code 2, before anybody connects."""
    if content is not None:
        (tmp_path / "export.csv").write_bytes(content)
    result = run(tmp_path / "export.csv", "127.0.0.1:1")
    assert result.exit_code == 2
    assert why in result.stderr
