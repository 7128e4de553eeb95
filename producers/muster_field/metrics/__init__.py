"""A field office's edge to Prometheus: the vocabulary, and its values from an outbox."""

from muster_field.metrics.collector import OutboxCollector
from muster_field.metrics.vocabulary import VOCABULARY

__all__ = ["VOCABULARY", "OutboxCollector"]
