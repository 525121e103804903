"""Popularity-bias audit of a ranking: how far it favours popular items, and for whom; no torch."""

from negbench.evaluation.popularity_bias.all_measures import audit
from negbench.evaluation.popularity_bias.user_groups import USER_GROUPS

__all__ = ["USER_GROUPS", "audit"]
