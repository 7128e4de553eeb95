"""The commands at Kafka's edge, on the embedded broker and on Apache Kafka."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from muster_contract.codec import PULSE
from muster_contract.shell.running import run_command
from muster_contract.times import format_instant
from muster_contract.topics import streams_of
from muster_hq.commands.export import export
from muster_hq.commands.publish import publish
from muster_hq.commands.pulse import pulse
from muster_hq.kafka import Scan
from muster_hq.ledger.opening import open_ledger
from muster_hq.logfile import read_log
from muster_hq.records import Record
from tests.cases.builders import T0, encounter, report, value_of
from tests.ports.kafka_backends import Backend
from tests.ports.kafka_backends import publish as append
from tests.ports.signals import terminated_once

DAL = "field.dal.encounters"


class Headquarters:
    """Commands at a broker that has the streams of one office, whose register is in a file."""

    def __init__(self, backend: Backend, folder: Path) -> None:
        self._backend = backend
        self.offices = folder / "offices.toml"
        self.offices.write_text('[[office]]\nid = "dal"\n', "utf-8")
        self.streams = streams_of(["dal"])
        for stream in (*self.streams, "hq.verdicts"):
            backend.create(stream)

    def run(self, command: Callable[..., None], *options: str) -> Result:
        """Run a command with the broker's address."""
        app = typer.Typer()
        app.command()(run_command(command))
        return CliRunner().invoke(app, ["--bootstrap", self._backend.bootstrap, *options])

    def records(self, *topics: str) -> list[Record]:
        """Give all that stands on some topics."""
        with Scan({}, bootstrap=self._backend.bootstrap, topics=topics, trust_create_time=True) as scan:
            return list(scan)


@pytest.fixture
def headquarters(backend: Backend, tmp_path: Path) -> Headquarters:
    """Give commands at a broker."""
    return Headquarters(backend, tmp_path)


def test_an_export_reads_back_to_the_same_bytes(backend: Backend, headquarters: Headquarters, tmp_path: Path) -> None:
    """Events, pulses, what nobody can decode, an empty value; and a stream that nobody registered."""
    backend.create("field.rogue.incidents")
    append(backend, DAL, value_of(encounter("E", 0, office="dal")), PULSE, b"?", b"", timestamp=T0)
    append(backend, "field.rogue.incidents", value_of(report("S", 0)), timestamp=T0)
    out = tmp_path / "log.jsonl"
    result = headquarters.run(export, "--offices", str(headquarters.offices), "--out", str(out), "--trust-create-time")
    assert (result.exit_code, result.stderr) == (0, "exported 5 records\n")
    there = sorted(record[:4] for record in headquarters.records(*headquarters.streams, "field.rogue.incidents"))
    assert sorted(record[:4] for record in read_log(out)) == there


def test_an_export_to_the_standard_output(backend: Backend, headquarters: Headquarters) -> None:
    """One line a record, and nothing else."""
    append(backend, DAL, PULSE, timestamp=T0)
    result = headquarters.run(export, "--out", "-", "--trust-create-time")
    (record,) = headquarters.records(DAL)
    assert result.stdout.splitlines()[-1] == (
        f'{{"stream": "{DAL}", "offset": 0, "appended_at": "{format_instant(record.appended_at)}", '
        '"type": "ClockPulse", "event": {}}'
    )


def test_an_export_that_fails_leaves_no_file(backend: Backend, headquarters: Headquarters, tmp_path: Path) -> None:
    """Half a log must not lie around under its name; the one of yesterday stays."""
    append(backend, DAL, b"a", b"b")
    backend.delete_records(DAL, 1)
    out = tmp_path / "log.jsonl"
    out.write_text("yesterday's", "utf-8")
    result = headquarters.run(export, "--out", str(out), "--trust-create-time")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"{DAL}: begins at offset 1")
    assert out.read_text("utf-8") == "yesterday's"
    assert sorted(tmp_path.iterdir()) == [out, headquarters.offices]


def test_one_pulse_at_a_given_time(backend: Backend, headquarters: Headquarters) -> None:
    """On every stream of the register; a topic of append times stamps it itself."""
    result = headquarters.run(pulse, "--offices", str(headquarters.offices), "--once", "--at", "2016-03-01T00:00:00Z")
    assert result.exit_code == 0
    records = headquarters.records(*headquarters.streams)
    assert {(record.stream, record.value) for record in records} == {(s, PULSE) for s in headquarters.streams}
    assert {record.appended_at == T0 for record in records} == {not backend.keeps_append_time}


def test_a_time_goes_with_one_pulse_only(headquarters: Headquarters) -> None:
    """A clock that runs has the broker's time."""
    result = headquarters.run(pulse, "--offices", str(headquarters.offices), "--at", "2016-03-01T00:00:00Z")
    assert (result.exit_code, result.stderr.split(":")[0]) == (2, "--at")


def test_pulses_go_out_until_the_process_is_told_to_end(headquarters: Headquarters) -> None:
    """With a ledger that does not exist yet, too."""
    offices, ledger = str(headquarters.offices), "sqlite:///none.db"
    with terminated_once(lambda: len(headquarters.records(*headquarters.streams)) == 3):
        result = headquarters.run(pulse, "--offices", offices, "--ledger", ledger)
    assert result.exit_code == 0


def test_publishing_what_a_worker_left(headquarters: Headquarters, tmp_path: Path) -> None:
    """Once: it ends when all is published, and leaves the ledger to the next writer."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    with closing(open_ledger(url)) as ledger, ledger.intake() as transaction:
        transaction.publish([("hq.verdicts", b"a"), ("hq.verdicts", b"b")])
    assert headquarters.run(publish, "--ledger", url, "--once").exit_code == 0
    assert [record.value for record in headquarters.records("hq.verdicts")] == [b"a", b"b"]
    with closing(open_ledger(url)) as ledger:
        assert ledger.outgoing(0, 10) == []


def test_publishing_goes_on_until_the_process_is_told_to_end(headquarters: Headquarters, tmp_path: Path) -> None:
    """It need not be started again for what is queued next."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    with closing(open_ledger(url)) as ledger, ledger.intake() as transaction:
        transaction.publish([("hq.verdicts", b"a")])
    with terminated_once(lambda: len(headquarters.records("hq.verdicts")) == 1):
        assert headquarters.run(publish, "--ledger", url).exit_code == 0


def test_publishing_beside_a_writer_is_refused(headquarters: Headquarters, tmp_path: Path) -> None:
    """With SQLite there is one."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    with closing(open_ledger(url)):
        result = headquarters.run(publish, "--ledger", url)
    assert result.exit_code == 2
    assert "another process is writing this ledger" in result.stderr
