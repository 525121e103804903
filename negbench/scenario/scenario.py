"""Scenario: one data set with its split and popularity bands, the same for every method."""

from dataclasses import dataclass
from functools import cached_property, lru_cache, partial, reduce
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from negbench.data.interactions import Csr, Interactions, Split
from negbench.data.load import load
from negbench.data.membership import Membership, Packed
from negbench.data.readers.column_roles import Columns
from negbench.data.unchanged import cached_while_unchanged
from negbench.errors import UserError, did_you_mean
from negbench.protocol.context import TrainContext
from negbench.protocol.feature_table import FeatureTable
from negbench.protocol.text_table import TextTable
from negbench.scenario import (
    held_out_users,
    noise_injection,
    planted_false_negatives,
    ranking_protocol,
)
from negbench.scenario.item_distribution import distribution_record
from negbench.scenario.known_negatives import (
    known_in_all,
    known_in_training,
    offers_known_negatives,
)
from negbench.scenario.noise_injection import Noise
from negbench.scenario.popularity_bands import Bands
from negbench.scenario.splits import split
from negbench.texts import encoders

EXCLUSIONS = {
    "train": ("train",),
    "train+valid": ("train", "valid"),
    "all": ("train", "valid", "test"),
    "none": (),
}
"""Parts never sampled as negatives; all but `train` and `none` use held-out pairs."""


@dataclass(frozen=True, eq=False)
class Scenario:
    """A data set with its split, popularity bands, exclusion, planted and noise pairs."""

    interactions: Interactions
    split: Split
    bands: Bands
    exclude: str
    planted: Csr | None = None
    """Train positives that were hidden on purpose."""
    noise: Csr | None = None
    """False positives that were added to train on purpose."""
    natural: bool = False
    """Whether the noise is the pairs that were rated too low, not random pairs."""
    mask: str = "seen"
    """What is left out of the lists that are ranked: seen, train or none."""

    @cached_property
    def profiles(self) -> Csr:
        """Items seen before the valid part: train, and what is folded in of held-out users."""
        folded = self.split.fold_in
        return self.split.train if folded is None else self.split.train.join(folded)

    @cached_property
    def seen(self) -> Csr:
        """Items seen before the test part: profiles, then valid, [U, I]."""
        return self.profiles.join(self.split.valid)

    def history(self, part: str) -> Csr:
        """What a model reads of each user when a part is ranked, in order, [U, I]."""
        return self.seen if part == "test" else self.profiles

    def masked(self, part: str) -> Csr:
        """Items masked when a part is ranked: by `mask` the history, and planted pairs.

        Planted pairs are positives, so a high rank of one is no error.
        """
        before = self.history(part) if self.mask == "seen" else self.profiles
        if self.mask == "none":
            before = Csr.of([], [], n_rows=self.split.n_users, n_columns=self.split.n_items)
        return before if self.planted is None else before.join(self.planted)

    @property
    def kept_parts(self) -> dict[str, tuple[NDArray[np.integer], NDArray[np.integer]]]:
        """What a run keeps of the split: each part's number of items by user, and its items."""
        split = self.split
        parts = {"train": split.train, "valid": split.valid, "test": split.test}
        parts |= {} if split.fold_in is None else {"fold_in": split.fold_in}
        parts |= {} if self.planted is None else {"planted": self.planted}
        return {part: (pairs.lengths, pairs.indices) for part, pairs in parts.items()}

    @cached_property
    def provides(self) -> frozenset[str]:
        """What the data provide: "order", "texts", "truth", "exposures", features."""
        data = self.interactions
        provided = {
            "order": self.split.order != "none",
            "texts": data.item_texts is not None,
            "truth": data.truth is not None,
            "exposures": offers_known_negatives(data, self.split),
        }
        return frozenset(word for word, present in provided.items() if present) | {*data.features}

    @cached_property
    def excluded(self) -> Csr:
        """The pairs that are never sampled as negatives, each once, [U, I]."""
        parts = [getattr(self.split, part) for part in EXCLUSIONS[self.exclude]]
        none = Csr.of([], [], n_rows=self.split.n_users, n_columns=self.split.n_items)
        return reduce(Csr.join, parts[1:], parts[0]).distinct if parts else none

    @cached_property
    def known_negatives(self) -> Csr | None:
        """Every pair known to be a negative, for measures, [U, I]; None where nothing tells."""
        return known_in_all(self.interactions, self.split, self.planted)

    def known_in_training(self) -> Csr:
        """The known negatives that training may look at, [U, I]."""
        return self._known_in_training

    @cached_property
    def _known_in_training(self) -> Csr:
        return known_in_training(self.interactions, self.split)

    @cached_property
    def packed(self) -> Packed:
        """The excluded pairs in a look-up table."""
        return Packed.of(self.excluded)

    def build_caches(self) -> None:
        """Fill the caches that every cell uses, before several processes share the scenario."""
        _ = self.packed, self.seen, self.split.train.rows, self.split.hash

    @property
    def oracle(self) -> bool:
        """Whether sampling uses held-out positives; every output is marked so."""
        return self.exclude in ("train+valid", "all")

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Caveats to print with every result on this scenario."""
        notes = [*self.interactions.notes, *self.split.notes, *self.bands.notes]
        notes.extend(held_out_users.notes(self.split, self.interactions))
        if self.oracle:
            notes.append(
                f"ORACLE: negatives exclude {self.exclude}: training looks at held-out positives."
            )
        if self.planted is not None:
            notes.append(
                f"PLANTED: {len(self.planted):,} train positives were hidden; they may be drawn as "
                "negatives and are not ranked."
            )
        if self.noise is not None:
            what = "pairs that were rated too low" if self.natural else "random pairs"
            notes.append(
                f"NOISE: {len(self.noise):,} {what} were added to train and are not ranked; "
                "compare within this setting only."
            )
        if self.mask in ranking_protocol.MASKS:
            notes.append(ranking_protocol.MASKS[self.mask])
        full = int((self.excluded.lengths >= self.split.n_items).sum())
        if full:
            user = "1 user has" if full == 1 else f"{full} users have"
            notes.append(f"{user} no item left to draw as a negative: their rows are masked.")
        return tuple(dict.fromkeys(notes))

    def train_context(
        self, *, seed: int, device: torch.device, encoder: str = encoders.DEFAULT
    ) -> TrainContext:
        """The train context of the method's parts, on their device."""
        columns = self.interactions.features
        features = {name: partial(self.feature_table, name, device) for name in columns}
        return TrainContext(
            train=self.split.train,
            counts=torch.from_numpy(self.split.train.counts.astype(np.float32)).to(device),
            excluded=self._membership(device),
            exclude=self.exclude,
            provides=self.provides,
            device=device,
            seed=seed,
            texts=partial(self.texts, encoder, device) if self.has_item_texts(encoder) else None,
            known_negatives=self.known_in_training if "exposures" in self.provides else None,
            user_features=features.get("user_features"),
            item_features=features.get("item_features"),
        )

    @lru_cache(maxsize=4)  # noqa: B019 - as below
    def feature_table(self, name: str, device: torch.device) -> FeatureTable:
        """The "user_features" or "item_features", shared by the cells of a process."""
        train = self.split.train
        trained = (train.lengths if name == "user_features" else train.counts) > 0
        return FeatureTable.of(self.interactions.features[name], trained, device)

    def has_item_texts(self, encoder: str) -> bool:
        """Whether items have text vectors: from the data's texts or from a given table."""
        return self.interactions.item_texts is not None or encoders.is_precomputed(encoder)

    def texts(self, encoder: str, device: torch.device) -> TextTable:
        """Text vectors of the items, shared by the cells of a process."""
        return self._texts(encoder, encoders.encoder_of(encoder).identity, device)

    @lru_cache(maxsize=2)  # noqa: B019 - as below
    def _texts(self, encoder: str, identity: str, device: torch.device) -> TextTable:
        del identity  # an edited file of vectors is another one
        data = self.interactions
        return encoders.table_of(encoder, data.item_texts, data.n_items, device=device)

    @lru_cache(maxsize=2)  # noqa: B019 - a scenario lives as long as its process
    def _membership(self, device: torch.device) -> Membership:
        return Membership.on(self.packed, device)

    def record(self) -> dict[str, Any]:
        """The data, split and band entries of a cell's record."""
        data, parts, bands = self.interactions, self.split, self.bands
        return {
            "data": {
                "n_users": data.n_users,
                "n_items": data.n_items,
                "n_interactions": len(data),
                "checksum": data.checksum,
                "content": data.content,
                "licence": data.licence,
                "source": data.source,
                "notes": list(data.notes),
                "truth": data.truth is not None,
            },
            "split": {
                "rule": parts.rule,
                "hash": parts.hash,
                "order": parts.order,
                "train": len(parts.train),
                "valid": len(parts.valid),
                "test": len(parts.test),
                **({} if parts.fold_in is None else {"fold_in": len(parts.fold_in)}),
                "planted": 0 if self.planted is None else len(self.planted),
                **({} if self.noise is None else {"noise": len(self.noise)}),
                "spread": distribution_record(parts),
            },
            "bands": {
                "rule": bands.rule,
                "names": list(bands.names),
                "items": list(bands.sizes.values()),
                "test_rows": list(bands.rows(parts.test).values()),
            },
            "notes": list(self.notes),
        }


@cached_while_unchanged(4)
def prepare(
    dataset: str,
    *,
    columns: Columns | None = None,
    k_core: int = 0,
    rule: str = "auto",
    exclude: str = "train",
    bands: str = "mass",
    plant: float = 0.0,
    noise: Noise = 0.0,
    mask: str = "seen",
    users: str = "all",
    repeats: str = "drop",
    data_dir: str | Path | None = None,
) -> Scenario:
    """Load and split one data set; cached while its files are unchanged, so that cells share it.

    Raises UserError if `exclude` is unknown, or names parts that no train user has a pair of, and
    if no test user has a history where `users` asks for one.
    """
    if exclude not in EXCLUSIONS:
        what = did_you_mean(exclude, list(EXCLUSIONS))
        raise UserError(
            f"--exclude must be one of {', '.join(EXCLUSIONS)}; got {exclude!r}; {what}"
        )
    data = load(dataset, data_dir=data_dir, columns=columns, k_core=k_core, repeated=repeats)
    with_history = users == "with-history"
    parts, planted = split(data, rule, with_history=with_history, mask=mask), None
    if parts.fold_in is not None and len(EXCLUSIONS[exclude]) > 1:
        raise UserError(
            f"--exclude {exclude} keeps held-out items out of the negatives, and no user who is "
            f"trained on has any under a split by users ({parts.rule}); use --exclude train"
        )
    if plant:
        parts, planted = planted_false_negatives.plant(parts, plant)
    added = None
    if noise:
        every = Csr.of(data.users, data.items, n_rows=data.n_users, n_columns=data.n_items)
        known = tuple(pairs for pairs in (every, planted, data.truth) if pairs is not None)
        if noise == "ratings":
            parts, added = noise_injection.inject_disliked(parts, data.disliked, known)
        else:
            parts, added = noise_injection.inject_random(parts, noise, known)
    natural, cut = noise == "ratings", Bands.of(parts.train.counts, bands)
    return Scenario(data, parts, cut, exclude, planted, added, natural, mask)
