"""The field-office command line: what it prints, what it refuses, and with which exit code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from typer.testing import CliRunner

from muster_field.__main__ import app
from muster_field.outbox import Outbox, Progress, Run
from muster_field.outbox_store import relay_lock
from muster_field.reserve import OutboxFull, Reserve
from muster_field.state import Reason, SetAside
from muster_hq.embedded import EmbeddedBroker
from tests.field.offices import ENCOUNTERS, NOW
from tests.schemas.builders import PLANTED

ENCOUNTER = ["encounter", "--match", "POTENTIAL", "--custody", "IN_CUSTODY"]
INCIDENT = ["incident", "--case", "c-1", "--encounter", "e-1", "--stage", "INITIAL", "--channel", "COURIER"]
INCIDENT += ["--reference", "r-1"]
STEP = {"case_id": "c-1", "encounter_id": "e-1", "occurred_at": "2016-03-01T12:00:00Z", "step": "CASE_NOTE"}


class Ran(NamedTuple):
    """What a command left behind."""

    code: int
    objects: list[Any]
    errors: list[str]


class Desk:
    """An office's desk: a register, an outbox, and the command line."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.outbox = folder, folder / "outbox.db"
        self.env = {"MUSTER_OUTBOX": str(self.outbox), "MUSTER_OFFICE": "dal", "MUSTER_OFFICES": str(folder / "o.toml")}
        self.env["MUSTER_LOG_LEVEL"] = "error"
        (folder / "o.toml").write_text('[[office]]\nid = "dal"\n', "utf-8")

    def run(self, *arguments: str, stdin: str | bytes = "") -> Ran:
        """Run a command; its output is JSON lines."""
        ran = CliRunner().invoke(app, arguments, input=stdin, env=self.env)
        assert ran.exception is None or isinstance(ran.exception, SystemExit)
        return Ran(ran.exit_code, [json.loads(line) for line in ran.stdout.splitlines()], ran.stderr.splitlines())

    def text(self, *arguments: str) -> str:
        """Run a command whose output is for people."""
        return CliRunner().invoke(app, arguments, env=self.env).output

    def mark(self, *progress: Progress) -> None:
        """Have the outbox know what a relay would have told it."""
        outbox = Outbox.open(self.outbox)
        outbox.mark(progress, NOW)
        outbox.close()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Give an empty desk."""
    return Desk(tmp_path)


def test_an_encounter_is_recorded_and_its_ids_are_printed(desk: Desk) -> None:
    """Ids that were left out are made: opaque ones."""
    ran = desk.run(*ENCOUNTER)
    (printed,) = ran.objects
    assert (ran.code, printed["stream"], printed["sequence"]) == (0, ENCOUNTERS, 1)
    assert {UUID(printed[name]).version for name in ("event_id", "epoch", "case_id", "encounter_id")} == {7}


def test_an_incident_takes_a_digest_or_a_file(desk: Desk) -> None:
    """The report's text goes nowhere."""
    report = desk.folder / "report"
    report.write_text(PLANTED, "utf-8")
    assert desk.run(*INCIDENT, "--report-file", str(report)).code == 0
    assert desk.run(*INCIDENT, "--sha256", "ab" * 32).objects[0]["sequence"] == 2
    assert not any(PLANTED.encode() in file.read_bytes() for file in desk.folder.glob("outbox.db*"))


@pytest.mark.parametrize("digest", [[], ["--sha256", "ab" * 32, "--report-file", "o.toml"]])
def test_an_incident_takes_not_both(desk: Desk, digest: list[str]) -> None:
    """One of them, exactly."""
    ran = desk.run(*INCIDENT, *digest)
    assert (ran.code, ran.errors) == (2, ["--report-file: or --sha256 must be given, and not both"])


def test_a_refused_event_names_every_fault_and_stores_nothing(desk: Desk) -> None:
    """Exit 2, a line a fault, no traceback, and no value shown."""
    ran = desk.run("encounter", "--match", "MAYBE", "--custody", PLANTED, "--case", f"{PLANTED} X", "--label", "SECRET")
    assert (ran.code, len(ran.errors), ran.objects) == (2, 4, [])
    assert PLANTED not in "".join(ran.errors)
    assert desk.run("status", "--json").objects[0]["streams"][ENCOUNTERS]["last_sequence"] == 0


def test_record_takes_lines_each_whole_or_not_at_all(desk: Desk) -> None:
    """Good lines are accepted and printed; bad ones are named by their number."""
    good = json.dumps({"type": "StepDocumented", "event": STEP})
    bad = json.dumps({"type": "StepDocumented", "event": STEP | {"narrative": PLANTED, "step": "x"}})
    ran = desk.run("record", stdin=f"{good}\n\n{bad}\n{PLANTED}\n{good}\n")
    assert ran.code == 2
    assert [one["sequence"] for one in ran.objects] == [1, 2]
    assert [line.rpartition(": ")[0] for line in ran.errors] == [
        "line 3: event.narrative", "line 3: event.step", "line 4: event",
    ]  # fmt: skip
    assert PLANTED not in "".join(ran.errors)


def test_record_takes_one_object_as_an_option(desk: Desk) -> None:
    """For scripts that have one event."""
    assert (
        desk.run("record", "--json", json.dumps({"type": "StepDocumented", "event": STEP})).objects[0]["sequence"] == 1
    )


@pytest.mark.parametrize("line", [b"\xff\xfe\n", b"[" * 100_000 + b"\n"])
def test_record_refuses_bytes_that_are_no_json(desk: Desk, line: bytes) -> None:
    """Whatever they are, without a traceback."""
    assert desk.run("record", stdin=line).errors == ["line 1: event: is not JSON (one object a line)"]


@pytest.mark.parametrize(
    ("options", "place"),
    [
        (["--case", ""], "EncounterReported.case_id"),
        (["--encounter", ""], "EncounterReported.encounter_id"),
        (["--occurred-at", ""], "--occurred-at"),
    ],
)
def test_an_option_of_nothing_is_not_left_out(desk: Desk, options: list[str], place: str) -> None:
    """A script whose variable is empty must not open another case, or say that it was now."""
    ran = desk.run(*ENCOUNTER, *options)
    assert (ran.code, ran.errors[0].partition(": ")[0], ran.objects) == (2, place, [])


def test_an_empty_digest_is_none(desk: Desk) -> None:
    """And the hint is what a digest looks like."""
    ran = desk.run(*INCIDENT, "--sha256", "")
    assert (ran.code, "is not a SHA-256 digest" in ran.errors[0]) == (2, True)


def test_record_names_the_line_at_which_the_disk_was_full(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the bad ones before it: what came after must be given again."""
    room = iter([True, False])

    def require_room(_: Reserve) -> None:
        if not next(room):
            raise OutboxFull.of("outbox.db", "has only 1 KiB of disk left")

    monkeypatch.setattr(Reserve, "require_room", require_room)
    good = json.dumps({"type": "StepDocumented", "event": STEP})
    ran = desk.run("record", stdin=f"{good}\nbad\n{good}\n{good}\n")
    assert (ran.code, len(ran.objects)) == (2, 1)
    assert [line.partition(" (")[0] for line in ran.errors] == [
        "line 2: event: is not JSON",
        "line 3: outbox.db: has only 1 KiB of disk left",
    ]


def test_an_unknown_office_and_a_bad_register_are_a_users_mistakes(desk: Desk) -> None:
    """Exit 2 with place, cause and hint."""
    assert desk.run(*ENCOUNTER, "--office", "xyz").errors[0].startswith("office: xyz is not in the office register")
    assert desk.run(*ENCOUNTER, "--offices", "nowhere.toml").code == 2


def test_status_shows_what_is_set_aside(desk: Desk) -> None:
    """For people as a table, for programs as JSON."""
    for _ in range(3):
        desk.run(*ENCOUNTER)
    aside = SetAside(sequence=2, reason=Reason.REFUSED, detail="INVALID_RECORD", at=NOW)
    desk.mark(Progress("encounters", 3, [Run(1, 1, 0), Run(3, 3, 1)], [aside]))
    stream = desk.run("status", "--json").objects[0]["streams"][ENCOUNTERS]
    assert (stream["sent"], stream["pending"], [one["sequence"] for one in stream["set_aside"]]) == (2, 0, [2])
    assert "INVALID_RECORD" in desk.text("status")


def test_status_is_whole_where_no_terminal_limits_it(desk: Desk) -> None:
    """In a pipe or a file too: since when the oldest waits is what an operator looks for."""
    desk.run(*ENCOUNTER)
    (stream,) = (s for s in desk.run("status", "--json").objects[0]["streams"].values() if s["pending"])
    assert stream["oldest_pending_at"] in desk.text("status")


def test_status_verifies_on_request(desk: Desk) -> None:
    """Exit 1 and the numbers of what is damaged."""
    desk.run(*ENCOUNTER)
    assert desk.run("status", "--verify", "--json").code == 0
    outbox = Outbox.open(desk.outbox)
    with outbox.store.writing() as db:
        db.execute("update encounters set value = zeroblob(9)")
    outbox.close()
    ran = desk.run("status", "--verify", "--json")
    assert (ran.code, ran.errors[0].partition(" (")[0]) == (1, "encounters 1: is damaged")


@pytest.mark.parametrize("command", [["status"], ["resend", "--set-aside"], ["prune"], ["relay", "--bootstrap", "x:1"]])
def test_only_recording_makes_an_outbox(desk: Desk, command: list[str]) -> None:
    """A mistyped path is a mistake."""
    ran = desk.run(*command)
    assert (ran.code, "there is no outbox here" in ran.errors[0]) == (2, True)
    assert not desk.outbox.exists()


def test_an_outbox_can_be_made_before_the_first_event(desk: Desk) -> None:
    """So that heartbeats are heard from the start; a second time changes nothing."""
    first, second = desk.run("init-outbox"), desk.run("init-outbox")
    assert (first.code, first.objects) == (0, second.objects)


def test_resend_by_number_by_event_and_what_was_set_aside(desk: Desk) -> None:
    """Only what was sent or set aside; the rest goes anyway."""
    event_id, *_ = [desk.run(*ENCOUNTER).objects[0]["event_id"] for _ in range(4)]
    aside = SetAside(sequence=3, reason=Reason.REFUSED, detail="INVALID_RECORD", at=NOW)
    desk.mark(Progress("encounters", 3, [Run(1, 1, 0), Run(2, 2, 1)], [aside]))
    assert desk.run("resend", "--event", event_id).objects == [{"asked_again": 1}]
    assert desk.run("resend", "--stream", "encounters", "--sequence", "1-2").objects == [{"asked_again": 2}]
    assert desk.run("resend", "--set-aside").objects == [{"asked_again": 1}]
    too_many = desk.run("resend", "--stream", "encounters", "--sequence", "3-4")
    assert (too_many.code, too_many.errors[0].startswith("resend: 1 of these numbers are pending")) == (2, True)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--set-aside", "--sequence", "1"],
        ["--sequence", "1"],
        ["--stream", "other", "--sequence", "1"],
        ["--stream", "encounters", "--sequence", "0"],
        ["--event", "0153318d-7432-7061-b312-5e19ea210912"],
    ],
)
def test_resend_says_what_it_needs(desk: Desk, options: list[str]) -> None:
    """Every mistake is exit 2 and a line."""
    desk.run(*ENCOUNTER)
    ran = desk.run("resend", *options)
    assert (ran.code, len(ran.errors), ran.objects) == (2, 1, [])


def test_a_corrupt_outbox_is_renewed(desk: Desk) -> None:
    """It is moved aside, and a new epoch begins at 1."""
    epoch = desk.run(*ENCOUNTER).objects[0]["epoch"]
    desk.outbox.write_bytes(b"\xff" * desk.outbox.stat().st_size)
    broken = desk.run(*ENCOUNTER)
    assert (broken.code, "renew-outbox" in broken.errors[0]) == (2, True)
    (renewed,) = desk.run("renew-outbox").objects
    assert Path(renewed["moved_to"]).exists()
    assert renewed["epoch"] != epoch
    assert desk.run(*ENCOUNTER).objects[0]["sequence"] == 1


def test_a_whole_outbox_is_not_renewed_by_mistake(desk: Desk) -> None:
    """It holds what was never sent; --force does it all the same, and keeps the file."""
    desk.run(*ENCOUNTER)
    refused = desk.run("renew-outbox")
    assert (refused.code, "holds 1 events that were never sent" in refused.errors[0]) == (2, True)
    (renewed,) = desk.run("renew-outbox", "--force").objects
    assert Outbox.open(Path(renewed["moved_to"])).state().pending == 1


def test_what_was_set_aside_and_can_be_sent_was_never_sent_either(desk: Desk) -> None:
    """The broker refused it: once its cause is gone it can go, but only from here."""
    desk.run(*ENCOUNTER)
    desk.mark(
        Progress("encounters", 1, [], [SetAside(sequence=1, reason=Reason.REFUSED, detail="INVALID_RECORD", at=NOW)])
    )
    refused = desk.run("renew-outbox")
    assert (refused.code, "holds 1 events that were never sent" in "".join(refused.errors)) == (2, True)


def test_an_outbox_is_not_renewed_under_a_relay(desk: Desk) -> None:
    """It would go on sending what was moved."""
    desk.run(*ENCOUNTER)
    with relay_lock(desk.outbox):
        ran = desk.run("renew-outbox", "--force")
    assert (ran.code, "another relay is at work" in ran.errors[0]) == (2, True)


def test_the_reserve_is_released_and_old_bytes_are_pruned(desk: Desk) -> None:
    """What an operator does on a full disk."""
    desk.run(*ENCOUNTER)
    desk.mark(Progress("encounters", 1, [Run(1, 1, 0)]))
    assert desk.run("release-reserve").objects[0]["freed_bytes"] > 0
    assert desk.run("prune", "--older-than", "P30D").objects == [{"pruned": 0}]


@pytest.fixture
def embedded() -> Iterator[EmbeddedBroker]:
    """Run an embedded broker."""
    with EmbeddedBroker() as broker:
        broker.create_topic(ENCOUNTERS)
        broker.create_topic("field.dal.incidents")
        yield broker


def test_relay_until_empty(desk: Desk, embedded: EmbeddedBroker) -> None:
    """Everything is acknowledged, and the exit is a clean one."""
    desk.run(*ENCOUNTER)
    desk.run(*INCIDENT, "--sha256", "ab" * 32)
    assert desk.run("relay", "--bootstrap", embedded.bootstrap, "--until-empty").code == 0
    streams = desk.run("status", "--json").objects[0]["streams"]
    assert [(stream["sent"], stream["pending"]) for stream in streams.values()] == [(1, 0), (1, 0)]


def test_relay_until_empty_says_when_it_could_not(desk: Desk) -> None:
    """Exit 1: it did its work, and something is left."""
    desk.run(*ENCOUNTER)
    ran = desk.run("relay", "--bootstrap", "127.0.0.1:9", "--until-empty", "--within", "PT0.3S")
    assert (ran.code, "still holds 1 events" in ran.errors[0]) == (1, True)


@pytest.mark.parametrize(
    ("options", "place"),
    [
        (["--heartbeat-every", "60"], "--heartbeat-every"),
        (["--within", "P1M"], "--within"),
        (["--keep-values", "PT0S"], "--keep-values"),
        (["--kafka-config", "nowhere"], "nowhere"),
    ],
)
def test_relay_refuses_bad_options_by_name(desk: Desk, options: list[str], place: str) -> None:
    """Before anything is sent."""
    desk.run(*ENCOUNTER)
    ran = desk.run("relay", "--bootstrap", "127.0.0.1:9", *options)
    assert (ran.code, ran.errors[0].partition(":")[0]) == (2, place)


def test_relay_refuses_to_weaken_its_promises(desk: Desk) -> None:
    """Acks and idempotence are not the user's to set, under whatever name; no value is shown."""
    desk.run(*ENCOUNTER)
    config = desk.folder / "client.properties"
    config.write_text(f"acks = {PLANTED}\nrequest.required.acks = 1\nretries = 0\nbatch.size = 1000000\n", "utf-8")
    ran = desk.run("relay", "--bootstrap", "127.0.0.1:9", "--kafka-config", str(config))
    assert (ran.code, len(ran.errors)) == (2, 4)
    assert PLANTED not in "".join(ran.errors)
