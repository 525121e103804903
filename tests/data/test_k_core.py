"""The k-core against a naive loop, with all fields of items and users."""

import numpy as np
import pytest

from negbench.data.interactions import Csr, Interactions
from negbench.data.k_core import k_core
from negbench.errors import DataError


def drawn(seed: int, n: int = 150) -> Interactions:
    """Twenty users, fifteen items, everything about them known."""
    rng = np.random.default_rng(seed)
    keys = rng.choice(20 * 15, n, replace=False)
    cells = np.unique(rng.choice(20 * 15, 80))
    cover = Csr.of(*np.divmod(cells, 15), n_rows=20, n_columns=15)
    return Interactions(
        name="drawn",
        users=keys // 15,
        items=keys % 15,
        n_users=20,
        n_items=15,
        times=rng.random(n),
        order="time",
        part=rng.integers(0, 3, n).astype(np.int8),
        user_ids=np.array([f"u{i}" for i in range(20)], object),
        item_ids=np.array([f"i{i}" for i in range(15)], object),
        item_names=tuple(f"name {i}" for i in range(15)),
        item_texts=tuple(f"text {i}" for i in range(15)),
        truth=cover,
        judged=cover,
    )


def naive(pairs: set[tuple[object, object]], k: int) -> set[tuple[object, object]]:
    while True:
        rows = [u for u, _ in pairs]
        columns = [i for _, i in pairs]
        kept = {(u, i) for u, i in pairs if rows.count(u) >= k and columns.count(i) >= k}
        if kept == pairs:
            return pairs
        pairs = kept


def named(data: Interactions) -> list[tuple[object, object]]:
    assert data.user_ids is not None and data.item_ids is not None
    return list(zip(data.user_ids[data.users], data.item_ids[data.items], strict=True))


def cells(data: Interactions, held: Csr | None) -> set[tuple[object, object]]:
    assert held is not None and data.user_ids is not None and data.item_ids is not None
    users, items = data.user_ids[held.rows], data.item_ids[held.indices]
    return set(zip(users, items, strict=True))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [1, 3, 5, 6])
def test_core_is_the_naive_one_with_all_fields(seed: int, k: int) -> None:
    data = drawn(seed)
    core = k_core(data, k)
    kept = naive(set(named(data)), k)
    assert named(core) == [pair for pair in named(data) if pair in kept]
    users, items = {u for u, _ in kept}, {i for _, i in kept}
    assert core.user_ids is not None and set(core.user_ids) == users
    assert core.item_ids is not None and set(core.item_ids) == items
    assert (core.n_users, core.n_items) == (len(users), len(items))
    old = {p: (t, s) for p, t, s in zip(named(data), data.times, data.part, strict=True)}  # type: ignore[arg-type]
    assert core.times is not None and core.part is not None
    assert [old[p] for p in named(core)] == list(zip(core.times, core.part, strict=True))
    assert core.item_names == tuple(f"name {i[1:]}" for i in core.item_ids)
    assert core.item_texts == tuple(f"text {i[1:]}" for i in core.item_ids)
    inside = {(u, i) for u, i in cells(data, data.truth) if u in users and i in items}
    assert cells(core, core.truth) == cells(core, core.judged) == inside


def test_zero_is_off_and_too_much_is_a_sentence() -> None:
    data = drawn(0)
    assert k_core(data, 0) is data
    with pytest.raises(DataError, match="nothing remains, lower --k-core 16"):
        k_core(data, 16)


def test_dropped_interactions_are_counted_in_the_notes() -> None:
    core = k_core(drawn(1), 6)
    assert core.notes[-1] == f"6-core: {150 - len(core)} of 150 interactions dropped"
