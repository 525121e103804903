"""Data sets: download, read, clean and reindex into `Interactions`."""
