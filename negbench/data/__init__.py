"""Data: found or fetched, read, numbered and handed over as `Interactions`."""
