"""Finished runs as pandas frames: cells, seeds, damaged files, and what may be compared."""
