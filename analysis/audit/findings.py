"""The numbers of an audit in words: each system against the three anchors, with intervals.

All differences are of the same users: list less history, system less most popular items. A group
that is picked by looking (the one served worst) has an interval that holds for all that were looked
at together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from negbench.evaluation.popularity_bias import Floats

from .inputs import Audience, Block, System
from .intervals import Estimate, apart, estimate, ratio
from .items import ItemLine, over_and_under
from .shown import (
    POPULAR,
    Shown,
    of_history,
    of_most_popular,
    of_random,
    of_system,
)
from .user_examples import Example, examples
from .user_groups import UserGroup, user_groups

MOST_POPULAR = "most_popular"
"""The reference whose row is the anchor, where a run has it."""


@dataclass(frozen=True)
class Share:
    """A share of the places in lists, against that in histories: of a band, or of a group."""

    name: str
    n_items: float
    history: float
    lists: Estimate
    change: Estimate
    """Lists less histories, user by user; of groups of items widened for all of them."""
    popular: float
    random: float


@dataclass(frozen=True)
class GroupLine:
    """How a system serves a group of users."""

    by: str
    name: str
    words: str
    n_users: int
    accuracy: Estimate
    popular: float
    """The accuracy of the most popular items for the same users."""
    gain: Estimate
    """The system less the most popular items; widened for all groups of one kind."""
    apart: Estimate
    """The group less all other users; widened likewise."""
    lift: Estimate
    """Popularity of the lists over that of the histories."""


@dataclass(frozen=True)
class Overview:
    """A system or an anchor in one line."""

    name: str
    label: str
    kind: str
    accuracy: Estimate
    gain: Estimate
    """Against the most popular items; widened for all systems of the block."""
    lift: Estimate
    """Popularity of the lists over that of the histories."""
    shares: tuple[float, ...]
    coverage: float


@dataclass(frozen=True)
class SystemFindings:
    """All that is said of one system."""

    overview: Overview
    n_seeds: int
    bands: tuple[Share, ...]
    item_groups: tuple[Share, ...]
    users: tuple[GroupLine, ...]
    over: tuple[ItemLine, ...]
    under: tuple[ItemLine, ...]
    examples: tuple[Example, ...]


@dataclass(frozen=True, eq=False)
class BlockFindings:
    """All that is said of a block."""

    block: Block
    anchors: tuple[Overview, ...]
    """Histories, most popular items, random lists."""
    overviews: tuple[Overview, ...]
    details: tuple[SystemFindings, ...]

    @property
    def nearest(self) -> Overview | None:
        """The system that gains most on the most popular items; None without accuracy."""
        of_users = [each for each in self.overviews if each.kind != "reference"]
        known = [each for each in of_users or self.overviews if each.gain.known]
        return max(known, key=lambda each: (each.gain.side, each.gain.value), default=None)


def findings(block: Block, chosen: tuple[str, ...] = ()) -> BlockFindings:
    """The numbers of a block; details of the systems `chosen`, else of the most accurate one."""
    audience = block.audience
    reference = [each for each in block.systems if each.name == MOST_POPULAR]
    popular = of_system(audience, reference[0]) if reference else of_most_popular(audience)
    anchors = (of_history(audience), popular, of_random(audience))
    systems = [each for each in block.systems if each not in reference]
    shown = [(each, of_system(audience, each)) for each in systems]
    every = [*shown, *((each, popular) for each in reference)]
    details = [pair for pair in every if pair[0].name in chosen] if chosen else every[:1]
    groups = user_groups(audience)
    return BlockFindings(
        block,
        (
            _overview(audience, anchors[0], anchors),
            _overview(audience, anchors[1], anchors, POPULAR),
            _overview(audience, anchors[2], anchors),
        ),
        tuple(_overview(audience, own, anchors, looks=len(shown)) for _, own in shown),
        tuple(_details(audience, each, own, anchors, groups, len(shown)) for each, own in details),
    )


Anchors = tuple[Shown, Shown, Shown]


def _overview(
    audience: Audience, own: Shown, anchors: Anchors, name: str = "", looks: int = 1
) -> Overview:
    """A line of the table; the interval of the gain holds for `looks` systems together."""
    popular = anchors[1]
    gain = own.accuracy - popular.accuracy if own is not popular else own.accuracy * np.nan
    return Overview(
        name or own.name,
        name or own.label,
        "anchor" if name else own.kind,
        estimate(own.accuracy),
        estimate(gain, looks),
        ratio(own.popularity, audience.popularity),
        tuple(float(x) for x in np.nanmean(own.shares, axis=(0, 1))),
        float(own.coverage.mean()),
    )


def _details(
    audience: Audience,
    system: System,
    own: Shown,
    anchors: Anchors,
    groups: tuple[UserGroup, ...],
    looks: int,
) -> SystemFindings:
    over, under = over_and_under(audience, own, anchors[0])
    sizes = [float(size) for size in audience.bands.sizes.values()]
    names = audience.groups.names if audience.groups else ()
    of_groups = audience.groups.weights.sum(axis=0).tolist() if audience.groups else []
    return SystemFindings(
        _overview(audience, own, anchors, looks=looks),
        system.n_seeds,
        tuple(
            _share(name, sizes[at], [each.shares[..., at] for each in (own, *anchors)])
            for at, name in enumerate(audience.bands.names)
        ),
        tuple(
            _share(
                name, of_groups[at], [each.groups[..., at] for each in (own, *anchors)], len(names)
            )
            for at, name in enumerate(names)
        ),
        tuple(_group(audience, own, anchors[1], group, groups) for group in groups),
        over,
        under,
        examples(audience, system, own, groups),
    )


def _share(name: str, n_items: float, shares: Sequence[Floats], looks: int = 1) -> Share:
    """One share of the lists; `shares` [S, n] are of system, history, most popular and random."""
    own, history, popular, random = shares
    return Share(
        name,
        n_items,
        estimate(history).value,
        estimate(own),
        estimate(own - history, looks),
        estimate(popular).value,
        estimate(random).value,
    )


def _group(
    audience: Audience, own: Shown, popular: Shown, group: UserGroup, groups: tuple[UserGroup, ...]
) -> GroupLine:
    here = group.inside
    looks = sum(each.by == group.by for each in groups)
    return GroupLine(
        group.by,
        group.name,
        group.words,
        int(here.sum()),
        estimate(own.accuracy[:, here]),
        estimate(popular.accuracy[:, here]).value,
        estimate((own.accuracy - popular.accuracy)[:, here], looks),
        apart(own.accuracy, here, looks),
        ratio(own.popularity[:, here], audience.popularity[here]),
    )
