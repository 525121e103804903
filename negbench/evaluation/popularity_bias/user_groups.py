"""Popularity of lists against profiles, for user groups from niche to blockbuster taste.

From Abdollahpouri et al. 2019 (The Unfairness of Popularity Bias in Recommendation, arXiv
1907.13286): the three groups of users by the share of popular items in their profile, GAP and dGAP.
Ours: popular is the first band; niche is the fifth of the users with the smallest share,
blockbuster the fifth with the greatest, diverse the rest; equal shares go by the mean popularity of
the profile, then by the number of the user; popularity is the number of train pairs (dGAP is the
same on any scale); a user with no train profile or an empty list is in no group.
"""

import numpy as np
from numpy.typing import NDArray

from negbench.evaluation.popularity_bias.nan_mean import NAN, Floats, mean, ratio

USER_GROUPS = ("niche", "diverse", "blockbuster")
"""User groups by rising share of popular items in the profile."""
EDGE = 5
"""The niche and the blockbuster group each hold one user in so many, rounded down."""


def taste_groups(head_shares: Floats, popularity: Floats) -> NDArray[np.int8]:
    """The group of each user, an index into USER_GROUPS; -1 for a user whose share is unknown."""
    groups = np.full(len(head_shares), -1, np.int8)
    known = np.flatnonzero(~np.isnan(head_shares))
    order = known[np.lexsort((popularity[known], head_shares[known]))]
    edge = len(order) // EDGE
    groups[order] = 1
    groups[order[:edge]] = 0
    groups[order[len(order) - edge :]] = 2
    return groups


def dgap(in_lists: Floats, in_profiles: Floats) -> float:
    """Relative change of the group average popularity (Abdollahpouri et al. 2019).

        dGAP(g) = (GAP_rec(g) - GAP_prof(g)) / GAP_prof(g)
        GAP_x(g) = mean_{u in g} mean_{j in x_u} pop_j

    Takes the inner means, [users of g]. 0 where lists are as popular as profiles, above 0 where
    more. Over all users it is the popularity lift. NaN for an empty group.
    """
    both = ~np.isnan(in_lists) & ~np.isnan(in_profiles)
    rec, prof = mean(in_lists[both]), mean(in_profiles[both])
    return float(ratio(rec - prof, prof))


def jensen_shannon(p: Floats, q: Floats) -> Floats:
    """Jensen-Shannon divergence of each row of p and q with the logarithm to base 2: 0 to 1.

    JSD(P, Q) = (KL(P, M) + KL(Q, M)) / 2,  M = (P + Q) / 2
    """
    middle = (p + q) / 2

    def divergence(x: Floats) -> Floats:
        part = np.divide(x, middle, out=np.ones_like(x), where=x > 0)
        return np.asarray((x * np.log2(part)).sum(1))

    return np.maximum((divergence(p) + divergence(q)) / 2, 0.0)  # rounding may go below 0


def upd(in_profiles: Floats, in_lists: Floats, groups: NDArray[np.int8]) -> float:
    """User popularity deviation (Abdollahpouri et al. 2021, arXiv 2103.06364).

        UPD = mean_g mean_{u in g} JSD(P_u, Q_u)

    P_u, Q_u [n, bands] are the shares of the bands in profile and list; logarithm to base 2, so 0
    (each list like its profile) to 1. Ours: the groups are those of `taste_groups`, and a group
    with no users is left out.
    """
    apart = jensen_shannon(in_profiles, in_lists)
    group_means = [mean(apart[groups == g]) for g in range(len(USER_GROUPS))]
    return mean(group_means) if len(apart) else NAN
