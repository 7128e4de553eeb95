"""Policies that nobody would write, but may: what random ones shrank to (tests/cases/found.py)."""

from __future__ import annotations

from tests.cases.policies import HEAD, REPORT, WRITTEN

AT_20 = "2016-03-01T00:00:00.020Z"
SATISFIED_BY_VOID = REPORT.replace('"IncidentReported", stage = "INITIAL"', '"EncounterVoided"')
SATISFIED_BY_RETRACTION = (
    HEAD
    + """
[[requirement]]
id = "report"
opens_on = { event = "IncidentReported" }
satisfied_by = { event = "IncidentRetracted" }
within = "PT0.010S"
scope = "case"
"""
)
WRITTEN_ALONE = WRITTEN.replace(
    'follows = "report"', 'opens_on = { event = "MatchResolved", outcome = "CONFIRMED" }'
).replace('"FOLLOW_UP"', '"INITIAL"')
SATISFIED_BY_ANY_REPORT = """
[[requirement]]
id = "report"
opens_on = { event = "IncidentReported" }
satisfied_by = { event = "IncidentReported" }
within = "PT0.010S"
recurs = true
"""
OPENED_BY_FOLLOW_UP = """
[[requirement]]
id = "report"
opens_on = { event = "IncidentReported", stage = "FOLLOW_UP" }
satisfied_by = { event = "ScreeningCompleted" }
within = "PT0.010S"
scope = "case"
"""
START_THEN_REPORT = """
[[requirement]]
id = "start"
opens_on = { event = "EncounterReported" }
satisfied_by = { event = "IncidentReported", stage = "INITIAL" }
within = "PT0.010S"
[[requirement]]
id = "report"
follows = "start"
satisfied_by = { event = "IncidentReported", stage = "FOLLOW_UP" }
within = "PT0.010S"
scope = "case"
"""
OPENED_BY_REPORT = """
[[requirement]]
id = "report"
opens_on = { event = "IncidentReported", stage = "INITIAL" }
satisfied_by = { event = "IncidentReported", stage = "FOLLOW_UP" }
within = "PT0.010S"
[[requirement]]
id = "written"
follows = "report"
satisfied_by = { event = "IncidentReported" }
within = "PT0.020S"
"""
RECURRING_FOLLOWER = (
    HEAD
    + """
[[requirement]]
id = "report"
opens_on = { event = "IncidentReported" }
satisfied_by = { event = "ScreeningCompleted" }
within = "PT0.010S"
scope = "case"
[[requirement]]
id = "written"
follows = "report"
satisfied_by = { event = "IncidentReported", stage = "FOLLOW_UP" }
within = "PT0.020S"
recurs = true
"""
)
