"""The closed vocabulary of headquarters' metrics: the collector, the document and the tests derive from it."""

from __future__ import annotations

from muster_contract.shell.vocabulary import Metric
from muster_contract.topics import DIRECTIVES

HEADQUARTERS = "hq"
"""The office label of the stream that is no office's, hq.directives."""

SOON = 3_600_000
"""How long before its due time (milliseconds) an obligation is due soon, if a tenth of its limit is not less."""

MOST_DUE_SOON = 10_000
"""So many cases are looked at for what is due soon, so that a scrape's cost has an end."""

VOCABULARY = (
    Metric(
        "muster_reports_outstanding",
        "gauge",
        "Required reports that were missed and still have not come.",
        ("office", "requirement"),
        "up with MISSED; down with LATE, CLEARED, VOIDED or ENDED of what was missed",
    ),
    Metric(
        "muster_obligations_open",
        "gauge",
        "Obligations that are neither decided nor missed yet.",
        ("requirement",),
        "up when an event makes a report required; down when it is decided, or missed. UNDETERMINED ones count",
    ),
    Metric(
        "muster_obligations_due_soon",
        "gauge",
        "Open obligations in the last tenth of their time limit, and in its last hour: nothing has come yet.",
        ("office", "requirement"),
        f"up as time passes; down when a report is judged, or missed. It is counted in {MOST_DUE_SOON:,} cases at most",
    ),
    Metric(
        "muster_oldest_outstanding_due_timestamp_seconds",
        "gauge",
        "When the oldest outstanding report of the office was due.",
        ("office",),
        "to the next older due time, as reports are missed or come; NaN when none is outstanding",
    ),
    Metric(
        "muster_reports_missed_total",
        "counter",
        "Verdicts MISSED.",
        ("office", "requirement"),
        "when the intake clock passes a due time (or the end of an excuse) and no report had come by then",
    ),
    Metric(
        "muster_reports_late_total",
        "counter",
        "Verdicts LATE.",
        ("office", "requirement"),
        "when a missed report comes; one that comes while excused is EXCUSED, and not counted here",
    ),
    Metric(
        "muster_reports_on_time_total",
        "counter",
        "Verdicts ON_TIME.",
        ("office", "requirement"),
        "when a report is judged that came at or before its due time",
    ),
    Metric(
        "muster_verdicts_total",
        "counter",
        "Verdicts of every kind, those on orphaned reports included.",
        ("verdict",),
        "with each verdict that is appended to the ledger",
    ),
    Metric(
        "muster_cases_set_aside",
        "gauge",
        "Cases whose judgement failed: nothing is said about them until somebody mends that.",
        (),
        "up when judging a case raises a fault; down when it is tried again and works",
    ),
    Metric(
        "muster_intake_clock_timestamp_seconds",
        "gauge",
        "Everything appended up to it has been read, of all offices.",
        (),
        "with the slowest stream; 0 as long as a registered stream was never read",
    ),
    Metric(
        "muster_stream_clock_timestamp_seconds",
        "gauge",
        f"The largest append time read from a stream of a registered office ({DIRECTIVES}: office {HEADQUARTERS}).",
        ("office", "stream"),
        "with each record that is read, pulses included; 0 for a stream that was never read",
    ),
    Metric(
        "muster_records_total",
        "counter",
        "Records read, each counted under exactly one outcome.",
        ("outcome",),
        "with each record that is read",
    ),
    Metric(
        "muster_quarantined_total",
        "counter",
        "Records that could not be applied, kept with their reason.",
        ("reason",),
        "with each record that is quarantined",
    ),
    Metric(
        "muster_transfers_declined_total",
        "counter",
        "Transfers of custody that a jurisdiction declined, as offices reported them.",
        ("office",),
        "with each TransferDeclined that is applied; which jurisdictions, headquarters declined-transfers shows",
    ),
    Metric(
        "muster_quarantined_waiting",
        "gauge",
        "Quarantined records that wait for a directive: as long as one does, its office is excused.",
        ("office",),
        "up with each record of the office's streams that is quarantined; down with READMIT or REJECT",
    ),
    Metric(
        "muster_sequence_gaps",
        "gauge",
        "Numbers that are missing: a later one or a heartbeat announced them, and they did not come within gap_after.",
        ("office",),
        "up when the intake clock passes the end of gap_after; down when an event comes after all",
    ),
    Metric(
        "muster_office_silent",
        "gauge",
        "1 while the office is found to be silent (OFFICE_SILENT), else 0.",
        ("office",),
        "to 1 when the intake clock passes silent_after and nothing was heard; to 0 when the office is heard again",
    ),
    Metric(
        "muster_capability_gap",
        "gauge",
        "1 for an office without a classified network, where the policy asks for reports over one; else 0.",
        ("office",),
        "never: the office register and the policy say so when the process starts",
    ),
    Metric(
        "muster_findings_total",
        "counter",
        "Findings on transmission itself; what can end counts once more when it does.",
        ("kind",),
        "with each finding that is appended to the ledger",
    ),
    Metric(
        "muster_office_last_heartbeat_timestamp_seconds",
        "gauge",
        "When the last heartbeat of the office was appended.",
        ("office",),
        "with each heartbeat; 0 for an office that was never heard",
    ),
    Metric(
        "muster_office_unsent_events",
        "gauge",
        "Events that wait in the office's outbox, as of its last heartbeat.",
        ("office",),
        "with each heartbeat; 0 for an office that was never heard",
    ),
    Metric(
        "muster_transmission_delay_seconds",
        "histogram",
        "From an event's recording at the office to its append at the broker; every deadline is a bucket bound.",
        (),
        "with each event that is applied",
    ),
)
