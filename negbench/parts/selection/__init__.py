"""Stages that select among drawn negatives, by score or by distance."""
