"""Runs that stand on disk: opened, explained, exported, and how far they have come."""
