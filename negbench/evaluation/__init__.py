"""Evaluation: full ranking, its metrics, and measures of popularity bias."""
