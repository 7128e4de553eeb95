"""The vocabulary as the first part of a page; docs/metrics.md says how the page is made."""

from __future__ import annotations

import sys

from muster_contract.shell.vocabulary import table
from muster_hq.metrics.vocabulary import VOCABULARY

_HEAD = """\
# Metrics

For whoever watches Prometheus. This is the whole vocabulary; tests hold it to what a scrape gives. The page is made:

```console
$ (python -m muster_hq.metrics.document; python -m muster_field.metrics.document) > docs/metrics.md
```

Labels are offices, requirements, streams and codes. No metric names a case or a person, and there are no exemplars.
Every label set that the register, the policies and the outbox name is there from the first scrape on. What to do
when one of them looks bad is in [alerts.md](alerts.md).

## Headquarters

Served by `headquarters serve`, `headquarters metrics`, and by `headquarters worker --listen`. Every value is read from
the ledger's tallies, so totals go on after a restart, and a scrape costs the same however many cases there are. With
more than one process over one ledger, aggregate with `max by`, not `sum by`.

"""


def document() -> str:
    """Give headquarters' part of the page."""
    return _HEAD + table(VOCABULARY)


if __name__ == "__main__":
    sys.stdout.write(document())
