"""Records, predictions and leases on disk."""
