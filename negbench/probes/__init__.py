"""Probes: measure the negatives in training (false negatives, hardness, bands, weights)."""
