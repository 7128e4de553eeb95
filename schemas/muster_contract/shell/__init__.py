"""What the programs of both sides share at their edges: exit codes, signals, logs, and the metrics endpoint."""
