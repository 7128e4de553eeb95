"""The AsyncAPI document says what ``topics.toml`` and the schemas say; every reference in it leads somewhere.

(That it is valid AsyncAPI 3 was seen with the official parser, which needs Node; here nothing is needed.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml

from muster_contract.avsc import HOME
from muster_contract.events import FIELD_EVENTS, OfficeHeartbeat
from muster_contract.headers import of_event, of_heartbeat
from muster_contract.schemas import newest
from muster_contract.topics import OFFICE_ID, Topic, topics
from tests.schemas.builders import ID, STAMP

FILE = HOME.parent / "asyncapi.yaml"
DOCUMENT: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]


def references(node: Any) -> Iterator[str]:  # noqa: ANN401 - parsed YAML
    """Yield every ``$ref``."""
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    elif isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for item in node.values():
            yield from references(item)


def resolve(reference: str) -> Any:  # noqa: ANN401 - parsed YAML or JSON
    """Follow a ``$ref`` within the document or to a file beside it; KeyError or OSError when it leads nowhere."""
    if not reference.startswith("#/"):
        return json.loads((FILE.parent / reference).read_text("utf-8"))
    node: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        node = node[step]
    return resolve(node["$ref"]) if "$ref" in node else node


@pytest.mark.parametrize("reference", sorted(set(references(DOCUMENT))))
def test_every_reference_leads_somewhere(reference: str) -> None:
    """Within the document, or to a file."""
    assert resolve(reference)


def test_every_channel_is_a_topic() -> None:
    """And every topic a channel."""
    assert {name: channel["address"] for name, channel in DOCUMENT["channels"].items()} == {
        topic.kind: topic.name for topic in topics()
    }


@pytest.mark.parametrize("topic", topics(), ids=lambda topic: topic.kind)
def test_a_channel_has_its_topics_types_and_settings(topic: Topic) -> None:
    """As ``topics.toml`` gives them; an office is a parameter where the name has one."""
    channel = DOCUMENT["channels"][topic.kind]
    assert channel["messages"].keys() == topic.types
    assert all(resolve(message["$ref"]) is MESSAGES[name] for name, message in channel["messages"].items())
    assert list(channel.get("parameters", ())) == re.findall(r"{(\w+)}", topic.name)
    kafka = channel["bindings"]["kafka"]
    settings = {name: v[0] if isinstance(v, list) else str(v) for name, v in kafka["topicConfiguration"].items()}
    assert (kafka["partitions"], settings) == (1, topic.config)


@pytest.mark.parametrize("name", newest())
def test_a_message_is_the_newest_schema_of_its_type(name: str) -> None:
    """The very file, not a copy."""
    message, schema = MESSAGES[name], newest()[name]
    path = Path(message["payload"]["schema"]["$ref"])
    assert message["name"] == schema.fullname
    assert path == Path(f"muster_contract/avro/{name}/v{schema.version}.avsc")
    assert resolve(str(path)) == schema.source


def test_there_is_no_other_message() -> None:
    """Every type has one, and nothing else has."""
    assert MESSAGES.keys() == newest().keys()


def test_only_what_an_office_sends_has_headers() -> None:
    """An event's have a sequence; a heartbeat's have none; headquarters' records have no headers."""
    kinds = {name: message.get("headers", {}).get("$ref", "").rpartition("/")[2] for name, message in MESSAGES.items()}
    assert kinds == dict.fromkeys(MESSAGES, "") | {"OfficeHeartbeat": "HeartbeatHeaders"} | dict.fromkeys(
        (event.__name__ for event in FIELD_EVENTS), "EventHeaders"
    )


def test_headers_have_the_documented_names_and_forms() -> None:
    """Those that our code builds, all of them, and no more."""
    beat = OfficeHeartbeat(
        event_id=ID, office_id="dal", epoch=ID, recorded_at=0,
        last_encounter_sequence=0, last_incident_sequence=0, pending=0,
    )  # fmt: skip
    schemas = DOCUMENT["components"]["schemas"]
    of_beats = schemas["HeartbeatHeaders"]
    of_events = schemas["EventHeaders"]["allOf"][1]
    assert_documented(dict(of_heartbeat(beat)), of_beats["required"], of_beats["properties"])
    assert_documented(
        dict(of_event("IncidentReported", STAMP)),
        [*of_beats["required"], *of_events["required"]],
        of_beats["properties"] | of_events["properties"],
    )


def assert_documented(headers: dict[str, bytes], required: list[str], properties: dict[str, Any]) -> None:
    """Check headers against the part of JSON Schema that the document uses."""
    assert headers.keys() == set(required) == properties.keys()
    for name, value in headers.items():
        text, form = value.decode(), properties[name]
        assert text == form.get("const", text)
        assert re.search(form.get("pattern", ""), text)
        assert form.get("format") != "uuid" or str(UUID(text)) == text


def test_the_office_parameter_says_its_form() -> None:
    """The register's own pattern."""
    assert OFFICE_ID.pattern in DOCUMENT["components"]["parameters"]["office"]["description"]
    assert all(OFFICE_ID.fullmatch(text) for text in DOCUMENT["components"]["parameters"]["office"]["examples"])
