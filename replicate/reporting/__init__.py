"""What a reader sees of the results: figures, tables and texts."""
