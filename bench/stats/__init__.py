"""Statistics of arrays: paired, across datasets, over images. They know no record."""
