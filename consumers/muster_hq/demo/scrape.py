"""What /metrics says, read over HTTP as Prometheus does."""

from __future__ import annotations

from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from muster_contract.errors import MusterError

_TIMEOUT = 10.0


class Scrape:
    """The samples of one scrape."""

    def __init__(self, text: str) -> None:
        families = text_string_to_metric_families(text)
        self._samples = [(s.name, s.labels, s.value) for family in families for s in family.samples]

    def total(self, name: str, **labels: str) -> int:
        """Add up the samples of a metric that have these labels."""
        return int(sum(value for _, value in self._matching(name, labels)))

    def by(self, label: str, name: str, **labels: str) -> dict[str, int]:
        """Add up the samples of a metric that have these labels, for each value of another label."""
        sums: dict[str, int] = {}
        for found, value in self._matching(name, labels):
            sums[found[label]] = sums.get(found[label], 0) + int(value)
        return sums

    def _matching(self, name: str, labels: dict[str, str]) -> list[tuple[dict[str, str], float]]:
        return [
            (found, value)
            for sample, found, value in self._samples
            if sample == name and labels.items() <= found.items()
        ]


def scrape(url: str) -> Scrape:
    """Read /metrics; MusterError when it does not answer."""
    try:
        with urlopen(url, timeout=_TIMEOUT) as answer:  # noqa: S310 - loopback, from a program of ours
            return Scrape(answer.read().decode())
    except OSError as fault:
        raise MusterError.of(url, f"does not answer: {fault}") from None
