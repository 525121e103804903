"""Searches of settings: expected tuned scores, gains, oracles, the share of each parameter."""
