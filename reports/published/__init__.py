"""What papers print: their tables, and the one reader of printed tables."""
