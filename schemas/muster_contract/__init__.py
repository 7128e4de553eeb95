"""The ground both sides stand on: event types, their bytes, their topics, and how errors speak."""
