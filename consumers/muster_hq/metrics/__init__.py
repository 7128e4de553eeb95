"""Headquarters' edge to Prometheus: the vocabulary, and its values from a ledger."""

from muster_hq.metrics.collector import LedgerCollector
from muster_hq.metrics.vocabulary import VOCABULARY

__all__ = ["VOCABULARY", "LedgerCollector"]
