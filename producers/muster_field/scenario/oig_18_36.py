"""The scenario `oig-18-36`: synthetic events with the published numbers of that audit, and invented ones beside them.

Published: 142 cases of fiscal years 2013 to 2015, failings in every one of a sampled 40, and at least 19 more
cases since January 2016 whose required report was never transmitted. Everything else is drawn: who, when,
how often, and how many cases there were since 2016. Nothing outside this package knows any of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from muster_contract.register import Office
from muster_contract.times import parse_instant
from muster_field.scenario.case_file import CaseFile
from muster_field.scenario.decoys import DECOYS, LONGEST_WAIT, UNTRANSMITTED
from muster_field.scenario.draw import Draw
from muster_field.scenario.protocol import follow
from muster_field.scenario.script import DAY, HOUR, MINUTE, Beat, Scenario, in_order
from muster_field.scenario.stories import EARLY, EARLY_FAILING, LATER, Story, longest, prompt

SAMPLE = 40
"""How many of the early cases are sampled: every one of them has a failing."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What may be chosen: the published numbers by default. ``later`` cases are beside the untransmitted ones."""

    offices: tuple[Office, ...]
    cases: int = 142
    untransmitted: int = 19
    seed: int = 1
    later: int = 240


def _year(fiscal: int) -> tuple[str, int, int]:
    """Give a fiscal year of the United States: from October to September."""
    return f"FY{fiscal}", parse_instant(f"{fiscal - 1}-10-01T00:00:00Z"), parse_instant(f"{fiscal}-10-01T00:00:00Z")


EARLY_YEARS = tuple(map(_year, (2013, 2014, 2015)))
YEARS = (*EARLY_YEARS, *map(_year, (2016, 2017)))
SINCE = parse_instant("2016-01-01T00:00:00Z")
"""By then all of the early cases is resolved, and the later ones begin."""
END = YEARS[-1][2]
LODGING = 1_000_003
"""Added to the seed for what the document system says: a chance of its own, which changes nothing that offices do."""


def generate(parameters: Parameters) -> Scenario:
    """Write the scenario: the same parameters give the same steps, ids included, and the same truth."""
    draw = Draw(parameters.seed)
    office_of = _Offices(parameters.offices, draw)
    epochs = {office.id: draw.id(YEARS[0][1]) for office in parameters.offices}
    sample = set(draw.some_of(range(parameters.cases), min(SAMPLE, parameters.cases)))
    early = [_early(draw, office_of.any(), number, failing=number in sample) for number in range(parameters.cases)]
    later = [_later(draw, office_of.any()) for _ in range(parameters.later)]
    decoys = [_tell(draw, office_of.any(), story, SINCE, END - LONGEST_WAIT - 30 * DAY) for story in DECOYS * 2]
    last_ones = [_tell(draw, office, prompt, END - 25 * DAY, END - 10 * DAY) for office in parameters.offices]
    beats = list(_beats(draw, parameters.offices))
    missing = [
        _tell(
            draw,
            office_of.any(),
            UNTRANSMITTED[number % len(UNTRANSMITTED)],
            SINCE,
            END - 60 * DAY if number else SINCE,
        )
        for number in range(parameters.untransmitted)
    ]
    lodging = Draw(parameters.seed + LODGING)
    for case in early:
        follow(case, END, lodging, failing=True)
    for case in later:
        follow(case, END, lodging)
    cases = [*early, *later, *decoys, *last_ones, *missing]
    return Scenario(
        name="oig-18-36",
        steps=in_order([*(step for case in cases for step in case.steps), *beats]),
        epochs=epochs,
        cases=tuple(case.truth for case in cases),
        end=END,
        periods=YEARS,
        sample=tuple(early[number].truth.case_id for number in sorted(sample)),
    )


class _Offices:
    """The offices, some of them busier than others."""

    def __init__(self, offices: tuple[Office, ...], draw: Draw) -> None:
        self._offices, self._draw = offices, draw
        self._busy = [draw.between(1, 5) for _ in offices]

    def any(self) -> Office:
        """Draw the office of a case."""
        return self._draw.one_of(self._offices, self._busy)


def _early(draw: Draw, office: Office, number: int, *, failing: bool) -> CaseFile:
    mix = EARLY_FAILING if failing else EARLY
    story = draw.one_of(tuple(mix), tuple(mix.values()))
    _, start, end = EARLY_YEARS[number % len(EARLY_YEARS)]
    return _tell(draw, office, story, start, min(end, SINCE - longest(story)))


def _later(draw: Draw, office: Office) -> CaseFile:
    story = draw.one_of(tuple(LATER), tuple(LATER.values()))
    return _tell(draw, office, story, SINCE, END - 30 * DAY - longest(story))


def _tell(draw: Draw, office: Office, story: Story, start: int, end: int) -> CaseFile:
    """Let a story happen to a case whose encounter falls between two instants, both included."""
    case = CaseFile(draw, office, story.__name__.replace("_", " "), draw.between(start, end))
    story(case)
    return case


def _beats(draw: Draw, offices: tuple[Office, ...]) -> Iterator[Beat]:
    """Let every office say at the end of each year up to which number it has recorded."""
    for _, _, end in YEARS:
        for office in offices:
            at = end - draw.between(MINUTE, HOUR)
            yield Beat(at, office.id, draw.id(at))
