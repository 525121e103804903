"""Runs on disk: open, explain, export, and status."""
