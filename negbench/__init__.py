"""negbench: benchmark and analysis of negative sampling methods for recommender systems."""

__version__ = "0.1.0"
