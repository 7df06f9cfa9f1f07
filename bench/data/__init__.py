"""Images and targets: where they come from, whether they are sound, and their splits."""
