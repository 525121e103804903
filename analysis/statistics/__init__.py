"""Tests, effect sizes, corrections and rank intervals."""
