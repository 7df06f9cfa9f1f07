"""What methods share that train a generator first and mix its images into every batch."""
