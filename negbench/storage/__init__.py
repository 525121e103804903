"""Storage of results: one folder per cell, written atomically, checked when read. No torch."""
