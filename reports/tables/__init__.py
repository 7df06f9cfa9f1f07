"""The tables: one file a table, the model of a table, and its writers."""
