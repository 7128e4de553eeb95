"""Topics are data, and this governs them: what DESIGN section 5 says, and nothing else."""

from __future__ import annotations

import pytest

from muster_contract.schemas import newest
from muster_contract.topics import (
    DIRECTIVES,
    Stream,
    encounters,
    incidents,
    parse_stream,
    stream_of_type,
    streams_of,
    topic_of_kind,
    topics,
)

TYPES_OF = {
    "encounters": {
        "EncounterReported",
        "ScreeningCompleted",
        "StepDocumented",
        "MatchResolved",
        "CustodyChanged",
        "TransferDeclined",
        "InformationShared",
        "EncounterVoided",
        "OfficeHeartbeat",
        "ClockPulse",
    },
    "incidents": {"IncidentReported", "IncidentRetracted", "ClockPulse"},
    "directives": {"Directive", "ReportLodged", "ClockPulse"},
    "verdicts": {"Verdict", "Finding"},
    "quarantine": {"Quarantined"},
    "receipts": {"Receipt", "Notice", "Verdict"},
}
NAMES = {
    "encounters": "field.{office}.encounters",
    "incidents": "field.{office}.incidents",
    "directives": "hq.directives",
    "verdicts": "hq.verdicts",
    "quarantine": "hq.quarantine",
    "receipts": "hq.receipts.{office}",
}


def test_topics_are_those_of_the_design() -> None:
    """Their names and the types that may stand on each."""
    assert {topic.kind: topic.name for topic in topics()} == NAMES
    assert {topic.kind: set(topic.types) for topic in topics()} == TYPES_OF


def test_every_type_has_a_topic_and_every_topic_known_types() -> None:
    """A type without a topic could not be sent, a name without a schema not be read."""
    assert set().union(*(topic.types for topic in topics())) == newest().keys()


def test_only_pulses_and_verdicts_stand_on_more_than_one_kind_of_topic() -> None:
    """An event's type says which stream it is on; a verdict also goes to the office that it is about."""
    often = [name for name in newest() if sum(name in topic.types for topic in topics()) > 1]
    assert often == ["ClockPulse", "Verdict"]


def test_field_streams_have_a_ceiling() -> None:
    """CUI_LES, on both; headquarters' own topics have none."""
    ceilings = {topic.kind: topic.ceiling for topic in topics()}
    assert ceilings == dict.fromkeys(NAMES) | {"encounters": "CUI_LES", "incidents": "CUI_LES"}


@pytest.mark.parametrize("kind", ["encounters", "incidents", "directives"])
def test_a_stream_is_kept_for_good_under_the_brokers_clock(kind: str) -> None:
    """Replay from offset 0 needs all of it, and arrival is proven by LogAppendTime alone."""
    config = topic_of_kind(kind).config
    assert config["message.timestamp.type"] == "LogAppendTime"
    assert (config["retention.ms"], config["retention.bytes"], config["cleanup.policy"]) == ("-1", "-1", "delete")


@pytest.mark.parametrize(
    ("name", "office", "kind"),
    [
        ("field.dal.encounters", "dal", "encounters"),
        ("field.dal.incidents", "dal", "incidents"),
        ("field.a.incidents", "a", "incidents"),
        ("field.el-paso-2.encounters", "el-paso-2", "encounters"),
        (f"field.{'x' * 32}.encounters", "x" * 32, "encounters"),
        ("hq.directives", None, "directives"),
    ],
)
def test_a_streams_name_says_whose_it_is(name: str, office: str | None, kind: str) -> None:
    """Headquarters takes the office from here, not from the record."""
    assert parse_stream(name) == Stream(name, kind, office)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "field",
        "field..encounters",
        "field.dal",
        "field.dal.",
        "field.dal.receipts",
        "field.dal.encounters.x",
        "field.dal.encounters\n",
        "xfield.dal.encounters",
        "field.DAL.encounters",
        "field.d_l.encounters",
        "field.d.l.encounters",
        "field.-dal.encounters",
        "field.dal-.encounters",
        f"field.{'x' * 33}.encounters",
        "field.d\u00e1l.encounters",
        "hq.verdicts",
        "hq.receipts.dal",
        "hq.directives.dal",
    ],
)
def test_another_name_is_no_stream(name: str) -> None:
    """Nothing is read from a topic that the contract does not know."""
    assert parse_stream(name) is None


def test_streams_of_offices_are_theirs_and_the_directives() -> None:
    """What an intake clock depends on."""
    assert streams_of(["a", "b"]) == [DIRECTIVES, encounters("a"), incidents("a"), encounters("b"), incidents("b")]
    assert streams_of([]) == [DIRECTIVES]


@pytest.mark.parametrize("kind", ["encounters", "incidents"])
def test_a_types_stream_is_a_topic_of_its_kind(kind: str) -> None:
    """``stream_of_type`` and ``topics.toml`` agree, and the name reads back."""
    for event_type in TYPES_OF[kind] - {"ClockPulse"}:
        assert parse_stream(stream_of_type(event_type, "dal")) == Stream(f"field.dal.{kind}", kind, "dal")


@pytest.mark.parametrize("event_type", ["ClockPulse", "Directive", "Verdict", "Receipt", "Nothing"])
def test_a_type_that_no_office_sends_has_no_stream(event_type: str) -> None:
    """Nor has one that does not exist."""
    with pytest.raises(KeyError, match=event_type):
        stream_of_type(event_type, "dal")


def test_a_family_of_topics_has_a_name_an_office() -> None:
    """And a single topic has its own."""
    assert topic_of_kind("receipts").names(["a", "b"]) == ["hq.receipts.a", "hq.receipts.b"]
    assert topic_of_kind("verdicts").names(["a", "b"]) == ["hq.verdicts"]
