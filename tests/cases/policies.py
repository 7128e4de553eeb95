"""The policies that the cases are judged by: ten milliseconds to report, and its variations."""

from __future__ import annotations

HEAD = 'id = "p"\nversion = 1\n'

LINE = """
[[requirement]]
id = "report"
opens_on = [
  { event = "EncounterReported", match = ["POTENTIAL", "CONFIRMED"] },
  { event = "MatchResolved", outcome = "CONFIRMED" },
]
satisfied_by = { event = "IncidentReported", stage = "INITIAL" }
waived_by = { event = "MatchResolved", outcome = "NOT_A_MATCH" }
ends_on = { event = "CustodyChanged", to = "REMOVED" }
within = "PT0.010S"
"""

REPORT = HEAD + LINE
REPORT_OF_CASE = REPORT + 'scope = "case"\n'
REPORT_BY_ANY = REPORT + 'by = "any"\n'
REPORT_RECURS = REPORT + "recurs = true\n"
REPORT_OF_CASE_RECURS = REPORT_OF_CASE + "recurs = true\n"
REPORT_FROM_ARRIVAL = REPORT + 'anchor = "received_at"\n'

WRITTEN = """
[[requirement]]
id = "written"
follows = "report"
satisfied_by = { event = "IncidentReported", stage = "FOLLOW_UP" }
within = "PT0.020S"
"""

FINAL = """
[[requirement]]
id = "final"
follows = "written"
satisfied_by = { event = "IncidentReported", stage = "FINAL" }
within = "PT0.030S"
"""

TWO_LINKS = REPORT + WRITTEN
THREE_LINKS = TWO_LINKS + FINAL

SCREENING = (
    HEAD
    + """
[[requirement]]
id = "screening"
opens_on = { event = "CustodyChanged", to = "SUPERVISED" }
satisfied_by = { event = "ScreeningCompleted", kind = "RESCREEN" }
ends_on = { event = "CustodyChanged", to = "REMOVED" }
within = "PT0.010S"
scope = "case"
recurs = true
"""
)

SELF = (
    HEAD
    + """
[[requirement]]
id = "self"
opens_on = { event = "ScreeningCompleted" }
satisfied_by = { event = "ScreeningCompleted" }
within = "PT0.010S"
scope = "case"
"""
)

OUTAGE_HEAD = HEAD + 'outage_after = "PT20S"\noutage_grace = "PT10S"\n'
OUTAGE = OUTAGE_HEAD + LINE.replace("PT0.010S", "PT60S")


def version(number: int, *, effective: str = "", line: str = LINE) -> str:
    """Give a version of the policy, in force from an instant on (RFC 3339), or from the beginning."""
    start = f"effective = {effective}\n" if effective else ""
    return f'id = "p"\nversion = {number}\n{start}{line}'
