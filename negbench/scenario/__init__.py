"""Scenarios: data set, split, popularity bands, injected noise, planted false negatives."""
