"""Exports of a finished run for other tools: lists, relevance, the split, logged negatives."""
