"""From records to tables: statistics, one table model, and one module per table of the paper."""
