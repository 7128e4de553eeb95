"""The demonstration: real programs on an embedded broker, played from end to end and checked."""
