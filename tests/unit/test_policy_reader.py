"""Policy files: read to values, or refused with every fault, its place and what may stand there."""

from __future__ import annotations

from pathlib import Path

import pytest

from muster_contract.errors import ConfigurationError
from muster_hq.patterns import Pattern, shape_of
from muster_hq.policies import Policies
from muster_hq.policy import Policy, Requirement
from muster_hq.policy_reader import SHORTEST_OUTAGE, load_policies, read_policy
from tests.cases.policies import HEAD, LINE, REPORT, SCREENING, THREE_LINKS, TWO_LINKS, WRITTEN, version

HOUR = 3_600_000
DAY = 24 * HOUR


def line_of(text: str, number: int = 0) -> Requirement:
    """Read a policy and give one of its requirements."""
    return read_policy(text, "P").requirements[number]


def faults_in(text: str) -> list[str]:
    """Read a policy that is refused; give its faults without the file's name."""
    with pytest.raises(ConfigurationError) as refusal:
        read_policy(text, "P")
    return [str(fault).removeprefix("P: ") for fault in refusal.value.faults]


def head_of(policy: Policy) -> tuple[object, ...]:
    """Give what a policy says beside its requirements."""
    times = (policy.outage_after, policy.outage_grace, policy.gap_after, policy.silent_after, policy.orphan_after)
    return (policy.id, policy.version, policy.label, policy.effective, *times)


def test_what_is_left_out_has_a_meaning() -> None:
    """Of the head and of a requirement, as DESIGN sections 6 and 7 give them."""
    policy = read_policy(REPORT, "P")
    (line,) = policy.requirements
    assert head_of(policy) == ("p", 1, "", None, None, HOUR, 60_000, None, DAY)
    assert (line.anchor, line.scope, line.by) == ("occurred_at", "encounter", "office")
    assert (line.recurs, line.follows) == (False, None)


def test_every_key_is_read() -> None:
    """Instants and durations become milliseconds."""
    head = """
        label = "Demonstration."
        effective = 1970-01-01T01:00:00+01:00
        outage_after = "PT60S"
        outage_grace = "PT2H"
        gap_after = "PT90S"
        silent_after = "PT1M"
        orphan_after = "P1W"
    """
    policy = read_policy(HEAD + head + SCREENING.removeprefix(HEAD) + 'by = "any"\nanchor = "received_at"\n', "P")
    (line,) = policy.requirements
    assert head_of(policy) == ("p", 1, "Demonstration.", 0, 60_000, 2 * HOUR, 90_000, 60_000, 7 * DAY)
    assert (line.id, line.within, line.anchor) == ("screening", 10, "received_at")
    assert (line.scope, line.by, line.recurs) == ("case", "any", True)
    assert line.opens_on == (Pattern("CustodyChanged", {"to": frozenset({"SUPERVISED"})}),)
    assert line.ends_on == (Pattern("CustodyChanged", {"to": frozenset({"REMOVED"})}),)


def test_an_instant_may_stand_in_quotes() -> None:
    """As RFC 3339; finer digits than milliseconds are cut."""
    assert read_policy('effective = "1970-01-01T00:00:00.0019Z"\n' + REPORT, "P").effective == 1


def test_a_pattern_matches_by_type_and_by_codes() -> None:
    """Each field that it names must hold one of the codes; others may hold anything."""
    (first, second) = line_of(REPORT).opens_on
    encounter = shape_of("EncounterReported", (("label", "CUI"), ("match", "CONFIRMED"), ("custody", "RELEASED")))
    assert (first.matches(encounter), second.matches(encounter)) == (True, False)
    assert not first.matches(shape_of("EncounterReported", (("label", "CUI"), ("match", "NONE"))))


def test_what_follows_runs_from_arrival_and_inherits_the_waiver_of_the_first() -> None:
    """Unless it has its own."""
    own = WRITTEN + 'waived_by = { event = "StepDocumented", step = "SUPERVISOR_REVIEW" }\n'
    first, written, final = read_policy(THREE_LINKS, "P").requirements
    assert (written.anchor, written.follows, final.follows) == ("received_at", "report", "written")
    assert first.waived_by == written.waived_by == final.waived_by
    assert line_of(REPORT + own, 1).waived_by[0].event == "StepDocumented"
    assert line_of(WRITTEN_FIRST).follows == "report"


WRITTEN_FIRST = HEAD + WRITTEN + LINE


def test_five_faults_are_five_lines() -> None:
    """All at once, each with its place."""
    text = """
id = "p"
version = "1"
nonsense = 1
[[requirement]]
id = "report"
opens_on = { event = "EncounterRecorded" }
satisfied_by = { event = "IncidentReported", stage = "INITAL" }
within = "P1M"
"""
    places = [fault.split(": ")[0:2] for fault in faults_in(text)]
    assert places == [
        ["version", "input should be a valid integer"],
        ["nonsense", "is no key that is known here"],
        ["requirement 1 (report)", "opens_on"],
        ["requirement 1 (report)", "satisfied_by"],
        ["requirement 1 (report)", "within"],
    ]


@pytest.mark.parametrize(
    ("key", "value", "cause"),
    [
        ("opens_on", '{ event = "OfficeHeartbeat" }', "event is not one of CustodyChanged, EncounterReported"),
        ("opens_on", '{ event = ["EncounterReported"] }', "event is not one of CustodyChanged"),
        ("opens_on", "{ match = 'NONE' }", "event is not one of CustodyChanged"),
        ("opens_on", "[]", "not a pattern"),
        ("opens_on", "'EncounterReported'", "not a pattern"),
        ("satisfied_by", '{ event = "IncidentReported", report_reference = "x" }', "report_reference is no field"),
        ("satisfied_by", '{ event = "IncidentReported", stage = [] }', "stage of IncidentReported is one of UNKNOWN"),
        ("satisfied_by", '{ event = "IncidentReported", stage = 1 }', "stage of IncidentReported is one of UNKNOWN"),
        ("satisfied_by", '{ event = "TransferDeclined", jurisdiction = 1 }', "jurisdiction of TransferDeclined is"),
        ("within", '"P1Y"', "years and months have no fixed length"),
        ("within", '"P100000D"', "longer than a hundred years"),
        ("within", "24", "not an ISO 8601 duration in quotes"),
        ("anchor", '"recorded_at"', "input should be 'occurred_at' or 'received_at'"),
        ("scope", '"person"', "input should be 'encounter' or 'case'"),
        ("by", '"nobody"', "input should be 'office' or 'any'"),
        ("recurs", '"yes"', "input should be a valid boolean"),
        ("remind_before", '"PT1H"', "is not between nothing and within"),
        ("remind_before", '"PT0S"', "is not between nothing and within"),
        ("id", '"a b"', "string should match pattern"),
        ("id", '"orphan-report"', "orphan-report is the engine's own"),
        ("colour", '"red"', "is no key that is known here"),
    ],
)
def test_a_fault_in_a_requirement_is_named(key: str, value: str, cause: str) -> None:
    """By key, with what may stand there."""
    lines = {
        "id": '"report"',
        "opens_on": '{ event = "EncounterReported" }',
        "satisfied_by": '{ event = "IncidentReported" }',
        "within": '"PT1H"',
    }
    text = "".join(f"{name} = {written}\n" for name, written in (lines | {key: value}).items())
    (fault,) = faults_in(f"{HEAD}[[requirement]]\n{text}")
    assert fault.split(": ", 2)[1] == key
    assert cause in fault


@pytest.mark.parametrize(
    ("head", "place"),
    [
        ("effective = 2013-01-01", "effective"),
        ("effective = 2013-01-01T00:00:00", "effective"),
        ('effective = "yesterday"', "effective"),
        ('outage_after = "PT14.999S"', "outage_after"),
        ('silent_after = "PT14.999S"', "silent_after"),
        ("gap_after = 60", "gap_after"),
        ('orphan_after = ""', "orphan_after"),
        ("label = 1", "label"),
    ],
)
def test_a_fault_in_the_head_is_named(head: str, place: str) -> None:
    """By its key."""
    (fault,) = faults_in(f"{head}\n{REPORT}")
    assert fault.startswith(f"{place}: ")


def test_the_shortest_outage_is_three_pulses() -> None:
    """Shorter stretches without records are the rule."""
    assert read_policy('outage_after = "PT15S"\n' + REPORT, "P").outage_after == SHORTEST_OUTAGE == 15_000


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("version", "is not TOML"),
        ('id = "p"\nversion = 0\n' + LINE, "version: input should be greater than or equal to 1"),
        (HEAD, "requirement: there is none"),
        (HEAD + "requirement = 5", "requirement: there is none"),
        (HEAD + LINE + LINE, "requirement report: its id is used twice"),
        (HEAD + WRITTEN, "requirement written: follows 'report', which is not there"),
        (
            HEAD + LINE.replace("opens_on", "ends_on", 1).replace("ends_on = { ", "# "),
            "needs one of opens_on and follows",
        ),
        (TWO_LINKS + 'opens_on = { event = "EncounterReported" }\n', "needs one of opens_on and follows"),
        (TWO_LINKS + 'anchor = "occurred_at"\n', "anchor: is received_at for one that follows"),
        (TWO_LINKS.replace('"report"\nsatisfied', '["report"]\nsatisfied'), "follows: input should be a valid string"),
    ],
)
def test_a_fault_of_the_whole_is_named(text: str, fault: str) -> None:
    """What no key can know alone."""
    assert any(fault in found for found in faults_in(text))


def test_a_circle_is_refused() -> None:
    """Each of its links is named; it has no beginning that could open it."""
    circle = HEAD + WRITTEN.replace('follows = "report"', 'follows = "final"') + FINAL_AFTER_WRITTEN
    assert [fault for fault in faults_in(circle) if "circle" in fault] == [
        "requirement written: follows itself in a circle",
        "requirement final: follows itself in a circle",
    ]


FINAL_AFTER_WRITTEN = WRITTEN.replace('"written"', '"final"').replace('"report"', '"written"')


def load(folder: Path, *texts: str) -> Policies:
    """Write policy files and load them, as versions of one policy."""
    paths = [folder / f"v{number}.toml" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, "utf-8")
    return load_policies(paths)


def faults_between(folder: Path, *texts: str) -> list[str]:
    """Load policy files that are refused; give their faults."""
    with pytest.raises(ConfigurationError) as refusal:
        load(folder, *texts)
    return [f"{fault.place}: {fault.cause}".removeprefix(f"{folder}/") for fault in refusal.value.faults]


def test_versions_are_in_force_one_after_the_other(tmp_path: Path) -> None:
    """From their first instant on, in whatever order they are given."""
    newer = version(2, effective="1970-01-01T00:00:01Z")
    policies = load(tmp_path, newer, version(1))
    in_force = [policies.in_force(instant) for instant in (-(10**15), 999, 1000, 10**15)]
    assert [policy and policy.version for policy in in_force] == [1, 1, 2, 2]
    assert load(tmp_path, newer).in_force(999) is None


def test_the_requirements_of_all_versions_are_known(tmp_path: Path) -> None:
    """Each once, with its newest limit: the metrics' labels exist from the start."""
    two = version(2, effective="1970-01-01T00:00:01Z", line=LINE + WRITTEN)
    assert list(load(tmp_path, version(1), two).limits) == ["report", "written"]
    longer = version(2, effective="1970-01-01T00:00:01Z", line=LINE.replace("PT0.010S", "PT0.020S"))
    assert load(tmp_path, version(1)).limits == {"report": 10}
    assert load(tmp_path, version(1), longer).limits == {"report": 20}


@pytest.mark.parametrize(
    ("second", "fault"),
    [
        (version(1, effective="1970-01-01T00:00:01Z"), "p@1: this version is given twice"),
        (version(2), "p@2: is effective at the same instant as p@1"),
        (version(2, effective="1970-01-01T00:00:01Z").replace('"p"', '"q"'), "policy: 2 different ids"),
        (
            version(2, effective="1970-01-01T00:00:01Z", line=LINE + 'scope = "case"\n'),
            "p@2: requirement report: scope: is not that of p@1",
        ),
    ],
)
def test_versions_that_do_not_fit_together_are_refused(tmp_path: Path, second: str, fault: str) -> None:
    """An obligation belongs to one version, and has one number."""
    assert faults_between(tmp_path, version(1), second) == [fault]


def test_the_faults_of_all_files_are_named_at_once(tmp_path: Path) -> None:
    """Each with its file."""
    (tmp_path / "v9.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError) as refusal:
        load_policies([tmp_path / "v8.toml", tmp_path / "v9.toml"])
    assert [str(fault).removeprefix(f"{tmp_path}/") for fault in refusal.value.faults] == [
        "v8.toml: cannot be read: No such file or directory",
        "v9.toml: is not UTF-8 text",
    ]


def test_no_policy_is_a_fault() -> None:
    """There would be nothing to judge by."""
    with pytest.raises(ConfigurationError, match="none is given"):
        load_policies([])


def test_a_chain_with_a_link_that_any_office_decides_is_judged_by_the_clock_over_all(tmp_path: Path) -> None:
    """Whole, and in every version; other requirements are not."""
    apart = SCREENING.removeprefix(HEAD)
    assert load(tmp_path, TWO_LINKS + apart).crossing == frozenset()
    assert load(tmp_path, TWO_LINKS + 'by = "any"\n' + apart).crossing == {"report", "written"}
    newer = version(2, effective="1970-01-01T00:00:01Z", line=LINE + 'by = "any"\n')
    assert load(tmp_path, TWO_LINKS + apart, newer).crossing == {"report", "written"}


def test_only_events_that_a_policy_speaks_of_concern_it(tmp_path: Path) -> None:
    """Voids, reports and retractions always do: they may void, be orphans, or withdraw."""
    policies = load(tmp_path, REPORT)
    concern = {
        name: policies.concern[shape_of(name, codes)]
        for name, codes in {
            "EncounterReported": (("match", "NONE"),),
            "MatchResolved": (("outcome", "NOT_A_MATCH"),),
            "StepDocumented": (("step", "CASE_NOTE"),),
            "EncounterVoided": (),
            "IncidentReported": (("stage", "ORAL"),),
            "IncidentRetracted": (),
        }.items()
    }
    assert [name for name, does in concern.items() if not does] == ["EncounterReported", "StepDocumented"]
