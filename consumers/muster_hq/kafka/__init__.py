"""Headquarters' edge to Kafka: the only code here that touches confluent-kafka (the embedded broker apart)."""

from muster_hq.kafka.acls import Acls
from muster_hq.kafka.admin import Admin
from muster_hq.kafka.output import OutputProducer, Unsent
from muster_hq.kafka.positions import Broken, Position
from muster_hq.kafka.reader import Batch, StreamReader
from muster_hq.kafka.scan import Scan

__all__ = ["Acls", "Admin", "Batch", "Broken", "OutputProducer", "Position", "Scan", "StreamReader", "Unsent"]
