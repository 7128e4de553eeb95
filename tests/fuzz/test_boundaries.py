"""Whatever arrives at a boundary, a value or a clear error comes out: no traceback, no hang, no content in the message.

Bounded here; more is looked for on purpose: pytest --hypothesis-profile=hunt tests/fuzz
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muster_contract.codec import Undecodable, decode
from muster_contract.errors import ConfigurationError
from muster_contract.register import read_register
from muster_contract.topics import Stream, parse_stream
from muster_field.answers import read_answer
from muster_hq.audit_facts import Reading
from muster_hq.entries import Counts
from muster_hq.logfile import read_lines, write_log
from muster_hq.policy_reader import read_policy
from muster_hq.records import Record
from muster_hq.sorting import Batch, Rules
from tests.fuzz.mutations import spoiled_bytes, spoiled_text, spoiled_tree
from tests.schemas.examples import examples

DEMO = Path("consumers/muster_hq/demo")
VALUES = [example.value for example in examples()]
POLICIES = [path.read_text("utf-8") for path in sorted(DEMO.glob("demo-*.toml"))]
REGISTER = tomllib.loads((DEMO / "offices.toml").read_text("utf-8"))
STREAMS = [stream for name in ("field.dal.encounters", "field.dal.incidents") if (stream := parse_stream(name))]

some = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@some
@given(spoiled_bytes(VALUES))
def test_a_spoiled_value_is_decoded_or_refused_with_its_reason(value: bytes) -> None:
    """By the codec; and what it decodes can be written again."""
    try:
        schema, fields = decode(value)
    except Undecodable as refusal:
        assert refusal.reason
        assert len(str(refusal)) < 200
        return
    assert list(fields) == list(schema.fields)


@some
@given(spoiled_bytes(VALUES))
def test_a_spoiled_answer_is_read_or_refused(value: bytes) -> None:
    """At the field office."""
    try:
        read_answer(value, "dal")
    except Undecodable as refusal:
        assert refusal.reason


@some
@given(spoiled_text(POLICIES))
def test_a_spoiled_policy_text_is_read_or_refused(text: str) -> None:
    """With place and cause, all faults at once."""
    try:
        read_policy(text, "policy.toml")
    except ConfigurationError as refusal:
        assert refusal.faults
        assert all(fault.place.startswith("policy.toml") for fault in refusal.faults)


@some
@given(spoiled_tree([REGISTER]))
def test_a_spoiled_register_is_read_or_refused(tree: object) -> None:
    """Whatever stands where."""
    if isinstance(tree, dict):
        offices, faults = read_register(tree)
        assert offices or faults


@some
@given(st.lists(st.tuples(st.sampled_from(STREAMS), spoiled_bytes(VALUES) | st.sampled_from(VALUES)), max_size=6))
def test_both_programs_make_the_same_of_spoiled_records(log: list[tuple[Stream, bytes]]) -> None:
    """The live engine and the auditor count them alike, and quarantine the same ones for the same reasons."""
    records = [Record(stream.name, 0, 1_000 + place, value) for place, (stream, value) in enumerate(log)]
    offsets: Counter[str] = Counter()
    numbered = []
    for record in records:
        numbered.append(record._replace(offset=offsets[record.stream]))
        offsets[record.stream] += 1
    batch = Batch(Rules(frozenset(["dal"]), shortest_outage=None, delay_bounds=[1.0], now=None), {})
    batch.sort(numbered)
    batch.settle({})
    read = Reading(numbered, ["dal"])
    counted = [progress.counted() for progress in batch.progress.values()]
    live = {name: sum(getattr(counts, name) for counts in counted) for name in Counts._fields}
    assert live == dict(read.counts)
    ours = sorted((q.stream, q.offset, q.reason) for q in batch.quarantined)
    assert ours == sorted((q.stream, q.offset, q.reason) for q in read.quarantined)


def log_lines() -> list[dict[str, Any]]:
    """Give the examples of the field's events as lines of a log file."""
    out = StringIO()
    fields = [e.value for e in examples() if e.schema.source["namespace"] == "muster.field"]
    write_log((Record("field.dal.encounters", n, 1_000_000 + n, value) for n, value in enumerate(fields)), out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


LINES = log_lines()


@some
@given(spoiled_tree(LINES))
def test_a_spoiled_line_of_a_log_is_read_or_refused_with_its_number(tree: object) -> None:
    """The lines before it are given; what is wrong is named by line and field."""
    good, spoiled = json.dumps(LINES[0]).encode(), json.dumps(tree).encode()
    read: list[Record] = []
    try:
        read.extend(read_lines([good, spoiled], "log.jsonl"))
    except ConfigurationError as refusal:
        assert len(read) == 1
        assert all(fault.place.startswith("log.jsonl:2") for fault in refusal.faults)
    else:
        assert len(read) == 2 or not spoiled.strip()


@some
@given(spoiled_bytes([json.dumps(line).encode() for line in LINES]))
def test_a_torn_line_of_a_log_is_read_or_refused(line: bytes) -> None:
    """Bytes that are no JSON, and no text, too."""
    try:
        list(read_lines(line.split(b"\n"), "log.jsonl"))
    except ConfigurationError as refusal:
        assert all(fault.place.startswith("log.jsonl:") for fault in refusal.faults)
