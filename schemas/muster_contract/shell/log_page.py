"""The list of what is logged as a page: ``python -m muster_contract.shell.log_page > docs/logs.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from muster_contract.shell.log_events import FIELD_OFFICE, HEADQUARTERS, KEYS, SHARED, LogEvent

_HEAD = """\
# Logs

For whoever reads them, or has them collected. This is all that is ever logged: the page is made from the closed
list in the code (`python -m muster_contract.shell.log_page`), and a test holds every log call to it.

Both programs log to stderr: one JSON object a line, or a readable line on a terminal. Every one has `event` (a name
below), `level` and `timestamp` (UTC). `--log-level` (`MUSTER_LOG_LEVEL`) leaves lesser ones out.

Only listed keys are written. What else a call should give is dropped, and `dropped` names the key. Of an
exception only its kind and place are written, as `exception`: its text may quote what an event said.
A case is never named: where a line must point at one, `case` is the first 16 digits of
HMAC-SHA256(key, case id). The key is the line in `--log-key-file` (`MUSTER_LOG_KEY_FILE`), or `MUSTER_LOG_KEY`;
without one, a process makes its own, and hashes of two processes cannot be compared. Who holds the key finds
a case in the logs with `printf %s "$CASE" | openssl dgst -sha256 -hmac "$(cat KEYFILE)"`; keep it from those who
read logs.
"""


def page() -> str:
    """Give the page."""
    parts = [
        _HEAD,
        "\n## Headquarters\n\n",
        _table(HEADQUARTERS),
        "\n## Field office\n\n",
        _table(FIELD_OFFICE),
        "\n## Both\n\n",
        _table(SHARED),
        "\n## Keys\n\n| key | holds |\n| --- | --- |\n",
        *(f"| `{key}` | {says} |\n" for key, says in KEYS.items()),
    ]
    return "".join(parts)


def _table(events: Iterable[LogEvent]) -> str:
    rows = (
        f"| `{event.name}` | {event.level} | {', '.join(f'`{key}`' for key in event.keys)} | {event.says} |\n"
        for event in events
    )
    return "| event | level | keys | says |\n| --- | --- | --- | --- |\n" + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(page())
