"""Noise in train: how much, of whom, what it is not, and that the rest of the split stays."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.probe_scenarios import pairs
from helpers.toy_data import small_interactions

from negbench.data.interactions import Csr
from negbench.data.raw_rows import RawRows
from negbench.data.readers.column_roles import Columns
from negbench.data.reindex import reindex
from negbench.errors import UserError
from negbench.experiment.cell.spec import CellSpec
from negbench.scenario.noise_injection import inject_disliked, inject_random
from negbench.scenario.scenario import prepare
from negbench.scenario.splits import split
from negbench.storage import cell_store

RULE = "ratio(0.6,0.2,0.2)"


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_noise_is_so_many_pairs_that_are_in_no_part(share):
    plain = split(small_interactions(), RULE)
    known = Csr.of([0, 1, 2], [3, 4, 5], n_rows=40, n_columns=30)
    noisy, noise = inject_random(plain, share, (known,))
    assert len(noise) == round(share * len(plain.train)) == len(pairs(noise))
    for part in (plain.train, plain.valid, plain.test, known):
        assert not pairs(noise) & pairs(part)
    assert pairs(noisy.train) == pairs(plain.train) | pairs(noise)
    assert len(noisy.train) == len(plain.train) + len(noise)
    assert pairs(noisy.valid) == pairs(plain.valid) and pairs(noisy.test) == pairs(plain.test)
    assert noisy.hash != plain.hash


def test_more_noise_holds_the_lesser_and_the_seed_decides():
    plain = split(small_interactions(), RULE)
    less, more, other = (
        pairs(inject_random(plain, share, seed=seed)[1])
        for share, seed in ((0.1, 0), (0.5, 0), (0.5, 1))
    )
    assert less < more and more != other


def test_the_order_of_a_history_stays_and_noise_is_anywhere_in_it():
    plain = split(small_interactions(n=900), RULE)
    noisy, noise = inject_random(plain, 0.5)
    at_the_end = 0
    for user in range(plain.n_users):
        added = set(noise.row(user).tolist())
        row = noisy.train.row(user).tolist()
        assert [i for i in row if i not in added] == plain.train.row(user).tolist()
        at_the_end += bool(row) and row[-1] in added
    assert 0 < at_the_end < 0.8 * plain.n_users


def test_users_get_noise_in_proportion_to_their_pairs():
    n, lengths = 4, (5, 10, 20, 45)
    rows = np.repeat(np.arange(n), lengths)
    train = Csr.of(rows, np.concatenate([np.arange(k) for k in lengths]), n_rows=n, n_columns=5000)
    none = Csr.of([], [], n_rows=n, n_columns=5000)
    plain = replace(split(small_interactions(), RULE), train=train, valid=none, test=none)
    added = sum(inject_random(plain, 0.5, seed=seed)[1].lengths for seed in range(100))
    assert np.allclose(added / added.sum(), np.array(lengths) / 80, atol=0.03)


def test_users_without_unseen_items_get_no_noise():
    full = Csr.of([0, 0, 1], [0, 1, 0], n_rows=2, n_columns=2)
    none = Csr.of([], [], n_rows=2, n_columns=2)
    plain = replace(split(small_interactions(), RULE), train=full, valid=none, test=none)
    noise = inject_random(plain, 0.9)[1]
    assert pairs(noise) == {(1, 1)}  # all that there is, of 3 asked for


def test_noise_is_in_the_notes_and_changes_the_hash(tmp_path):
    file = tmp_path / "pairs.csv"
    data = small_interactions()
    lines = [f"{u},{i}" for u, i in zip(data.users, data.items, strict=True)]
    file.write_text("user,item\n" + "\n".join(lines) + "\n")
    plain, noisy = prepare(str(file)), prepare(str(file), noise=0.2)
    assert noisy.noise is not None and pairs(noisy.noise) <= pairs(noisy.excluded)
    assert any(note.startswith("NOISE: ") for note in noisy.notes)
    assert not any("NOISE" in note for note in plain.notes)
    assert noisy.record()["split"]["noise"] == len(noisy.noise)
    spec = CellSpec(str(file), "mf", "random")
    assert "noise" not in spec.resolve(plain)
    resolved = replace(spec, noise=0.2).resolve(noisy)
    assert resolved["noise"] == 0.2 and cell_store.digest(resolved) != cell_store.digest(
        spec.resolve(plain)
    )


def test_what_was_rated_too_low_is_natural_noise():
    """Rated 1 to 5, liked from 4 on: the rest comes back into train, but no pair of any part."""
    table = [(u, i, 1 + (u * 7 + i * 3) % 5) for u in range(30) for i in range(20)]
    rows = RawRows(
        *(pd.Index([row[at] for row in table]) for at in (0, 1)), None, ratings_of(table)
    )
    data = reindex(rows, name="rated", min_rating=4)
    assert data.disliked is not None
    low = {(data.user_ids[u], data.item_ids[i]) for u, i in pairs(data.disliked)}
    assert low == {(u, i) for u, i, rating in table if rating < 4}
    plain = split(data, "random(0.6,0.2,0.2)")
    noisy, noise = inject_disliked(plain, data.disliked)
    assert pairs(noise) == pairs(data.disliked)
    assert pairs(noisy.train) == pairs(plain.train) | pairs(noise)
    assert pairs(noisy.test) == pairs(plain.test) and noisy.hash != plain.hash


def test_a_pair_rated_twice_is_no_noise():
    table = [(u, i, 5) for u in range(10) for i in range(10)] + [(0, 0, 1), (0, 1, 2)]
    rows = RawRows(
        *(pd.Index([row[at] for row in table]) for at in (0, 1)), None, ratings_of(table)
    )
    plain = split(reindex(rows, name="rated", min_rating=4), "random(0.6,0.2,0.2)")
    data = reindex(rows, name="rated", min_rating=4)
    with pytest.raises(UserError, match="the 2 pairs rated too low .* are in the data already"):
        inject_disliked(plain, data.disliked)


def test_natural_noise_lives_through_a_core(shared):
    scenario = prepare("ml_100k", data_dir=shared, noise="ratings", k_core=5)
    assert scenario.noise is not None and len(scenario.noise) > 30_000
    data = scenario.interactions
    assert scenario.noise.n_columns == data.n_items
    assert any("rated too low" in note for note in scenario.notes)


def test_natural_noise_asks_for_ratings():
    with pytest.raises(UserError, match="--noise ratings needs data with ratings"):
        prepare("goodbooks", noise="ratings")


def ratings_of(table):
    return np.array([rating for _, _, rating in table], float)


def test_noise_that_adds_no_pair_is_refused():
    plain = split(small_interactions(), RULE)
    with pytest.raises(UserError, match="--noise must add a pair; 1e-05 of .*it is under half"):
        inject_random(plain, 1e-5)
    every = np.divmod(np.arange(plain.n_users * plain.n_items), plain.n_items)
    full = Csr.of(*every, n_rows=plain.n_users, n_columns=plain.n_items)
    with pytest.raises(UserError, match="no unseen item left"):
        inject_random(plain, 0.3, (full,))


def test_ratings_that_add_no_pair_are_refused():
    plain = split(small_interactions(), RULE)
    users, items = plain.train.rows[:1], plain.train.indices[:1]
    known = Csr.of(users, items, n_rows=plain.n_users, n_columns=plain.n_items)
    with pytest.raises(UserError, match="--noise ratings must add a pair; the 1 pair rated"):
        inject_disliked(plain, known)


def test_no_pair_that_was_liked_another_time_is_noise(tmp_path, monkeypatch):
    """Planted pairs are hidden from train, and rated low once they were none the less liked."""
    monkeypatch.chdir(tmp_path)
    rows = [(u, i, 5) for u in range(8) for i in range(8)] + [(u, u, 1) for u in range(8)]
    lines = [f"{u},{i},{stars}" for u, i, stars in [*rows, *((u, 8, 1) for u in range(8))]]
    Path("stars.csv").write_text("\n".join(["user,item,rating", *lines, "x,8,5", ""]))
    given = {"columns": Columns(min_rating=4), "rule": "random(0.8,0.1,0.1)", "plant": 0.5}
    scenario = prepare("stars.csv", **given, noise="ratings")
    assert scenario.planted is not None and scenario.noise is not None
    assert pairs(scenario.planted) & {(u, u) for u in range(8)}
    assert pairs(scenario.noise) == {(u, 8) for u in range(8)}
    assert not pairs(scenario.planted) & pairs(scenario.split.train)
