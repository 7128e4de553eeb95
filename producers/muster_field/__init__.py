"""The field office's side: a durable outbox, and a relay that empties it in order."""
