"""Headquarters' edge to Prometheus: the vocabulary, its values from a ledger, and the server that shows them."""

from muster_hq.metrics.collector import LedgerCollector
from muster_hq.metrics.server import Check, MetricsServer
from muster_hq.metrics.vocabulary import VOCABULARY, Metric

__all__ = ["VOCABULARY", "Check", "LedgerCollector", "Metric", "MetricsServer"]
