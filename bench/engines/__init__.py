"""What starts workers; the store is all they share."""
