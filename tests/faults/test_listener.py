"""Two listeners, as in production: one for offices, an inner one for headquarters. Pulses go over the offices'."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from muster_contract.times import now_ms
from tests.faults.parts import Command, Line, encounter, report, verdicts_of
from tests.faults.proxy import CUT, GOOD, Proxy
from tests.kafka_broker import KafkaBroker
from tests.system.headquarters import Headquarters
from tests.system.policies import due_within, policy

pytestmark = [pytest.mark.kafka, pytest.mark.long]

Seen = Callable[[str], None]
POLICY = policy(due_within("PT4S"), id="outages", outage_after="PT15S", outage_grace="PT8S")


@pytest.fixture
def offices_listener(broker: KafkaBroker) -> Iterator[Proxy]:
    """Give the way that offices come in by; headquarters has its own."""
    with Proxy(broker.ports.behind_proxy, broker.ports.proxy) as proxy:
        yield proxy


@pytest.mark.fault(
    "clock",
    injected="the listener that offices use dead for 17 s across a deadline, while headquarters' inner one works",
    promised="time stands still, since pulses come in by the same door: UNDETERMINED, then EXCUSED or MISSED",
)
@pytest.mark.parametrize(
    ("pulses_by", "expected"),
    [
        ("the offices' listener", {"reports": ["UNDETERMINED", "EXCUSED"], "is-silent": ["UNDETERMINED", "MISSED"]}),
        ("the inner one (wrongly)", {"reports": ["MISSED", "LATE"], "is-silent": ["MISSED"]}),
    ],
    ids=["as-designed", "wrongly"],
)
def test_the_offices_listener_is_dead(  # noqa: PLR0913, PLR0917 - the parts, and what is expected
    broker: KafkaBroker,
    offices_listener: Proxy,
    tmp_path: Path,
    seen: Seen,
    pulses_by: str,
    expected: dict[str, list[str]],
) -> None:
    """Were pulses sent by the inner listener, offices would be blamed for what they could not deliver."""
    hq = Headquarters(tmp_path, broker.bootstrap, POLICY, ("dal",))
    pulsed = offices_listener.address if pulses_by.startswith("the offices") else broker.bootstrap
    pulse = Command(tmp_path / "pulse.log", "pulse", "--bootstrap", pulsed, "--offices", str(hq.offices))
    hq.start("--no-pulse")
    try:
        pulse.start()
        line = Line(offices_listener.address)
        hq.until(lambda: hq.caught_up(now_ms() - 6_000), "pulses pass time")
        for case in ("reports", "is-silent"):
            line.send(encounter(case), "dal")
        offices_listener.become(CUT)
        time.sleep(17)
        meanwhile = [kind for kind, _, _ in verdicts_of(hq, "is-silent").get("initial-report", ())]
        offices_listener.become(GOOD)
        line.send(report("reports"), "dal")
        hq.until(
            lambda: (
                len(verdicts_of(hq, "is-silent").get("initial-report", ())) == len(expected["is-silent"])
                and len(verdicts_of(hq, "reports").get("initial-report", ())) == len(expected["reports"])
            ),
            "all is judged",
        )
        found = {case: [v[0] for v in verdicts_of(hq, case)["initial-report"]] for case in expected}
        hq.assert_audit_agrees()
    finally:
        pulse.kill()
        hq.kill()
    assert found == expected
    assert meanwhile == (["MISSED"] if "MISSED" in expected["is-silent"][0] else [])
    seen(f"pulses by {pulses_by}: " + "; ".join(", ".join(kinds) for kinds in found.values()))
