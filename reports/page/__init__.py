"""The report: everything that the records say, as one page."""
