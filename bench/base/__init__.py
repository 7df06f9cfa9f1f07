"""What everything may use: errors, tasks, streams, validation."""
