"""The grid: what is asked for, planned, worked through and shown."""
