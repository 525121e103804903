"""Popularity-bias audit of a ranking: how far it favours popular items, and for whom; no torch."""

from negbench.evaluation.popularity_bias.all_measures import audit
from negbench.evaluation.popularity_bias.exposure import coverage
from negbench.evaluation.popularity_bias.list_statistics import (
    exposure,
    list_means,
    list_shares,
    profile_means,
    profile_shares,
    unseen_means,
)
from negbench.evaluation.popularity_bias.nan_mean import NAN, Floats, ratio
from negbench.evaluation.popularity_bias.user_groups import USER_GROUPS, taste_groups

__all__ = [
    "NAN",
    "USER_GROUPS",
    "Floats",
    "audit",
    "coverage",
    "exposure",
    "list_means",
    "list_shares",
    "profile_means",
    "profile_shares",
    "ratio",
    "taste_groups",
    "unseen_means",
]
