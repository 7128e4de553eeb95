"""The truth file: what headquarters must find, written down before it looks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from muster_contract.times import format_instant, to_ms
from muster_field.scenario.case_file import INITIAL
from muster_field.scenario.script import Beat, CaseTruth, Ours, Record, Resend, Scenario

Json = dict[str, Any]

LABEL = "Synthetic: invented events around an audit's published numbers. No real case, person or office is in it."


def truth_of(scenario: Scenario) -> Json:
    """Give the truth about a scenario as JSON: altogether, by office, and by case.

    ``as_of`` is where the intake clock stands once a pulse at the scenario's end has been read.
    """
    records = [step for step in scenario.steps if isinstance(step, Record)]
    by_office: dict[str, list[CaseTruth]] = {office: [] for office in sorted(scenario.epochs)}
    for case in scenario.cases:
        by_office[case.office].append(case)
    arrived = Counter(step.office for step in scenario.steps if not isinstance(step, Ours) and _arrives(step))
    gaps = Counter(record.office for record in records if not record.sent)
    return {
        "scenario": scenario.name,
        "label": LABEL,
        "as_of": format_instant(scenario.end - 1),
        "untransmitted": sum(INITIAL in case.outstanding for case in scenario.cases),
        "sample": list(scenario.sample),
        "clocks_ahead": sum(to_ms(record.event.occurred_at) > record.at for record in records),
        "totals": _totals(scenario.cases),
        "offices": {
            office: {"records": arrived[office], "gaps": gaps[office], **_totals(cases)}
            for office, cases in by_office.items()
        },
        "cases": [_case(case) for case in sorted(scenario.cases, key=lambda case: case.case_id)],
    }


def _arrives(step: Record | Resend | Beat) -> bool:
    return not isinstance(step, Record) or step.sent


def _totals(cases: Iterable[CaseTruth]) -> Json:
    """Count verdicts and outstanding reports by requirement."""
    verdicts: dict[str, Counter[str]] = defaultdict(Counter)
    outstanding: Counter[str] = Counter()
    for case in cases:
        outstanding.update(case.outstanding)
        for expected in case.verdicts:
            verdicts[expected.requirement][expected.verdict] += 1
    return {
        "verdicts": {name: dict(sorted(counts.items())) for name, counts in sorted(verdicts.items())},
        "outstanding": dict(sorted(outstanding.items())),
    }


def _case(case: CaseTruth) -> Json:
    return {
        "case_id": case.case_id,
        "office_id": case.office,
        "story": case.story,
        "failings": case.failings,
        "outstanding": case.outstanding,
        "noncompliance": case.noncompliance,
        "verdicts": [{**expected._asdict(), "at": format_instant(expected.at)} for expected in sorted(case.verdicts)],
    }
