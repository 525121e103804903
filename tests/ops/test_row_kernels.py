"""Which kernels run, and compiled loops against sums in double precision."""

import sys

import numpy as np
import pytest
import torch
from helpers import kernels
from hypothesis import given, settings
from hypothesis import strategies as st

from negbench import ops
from negbench.ops import row_kernels
from negbench.ops.add_rows import add_own_rows, add_rows
from negbench.ops.sampled_dot import TINY

SIZES = st.tuples(
    st.integers(0, 5), st.integers(1, 6), st.integers(0, 5), st.sampled_from([1, 3, 16, 37, 64])
)
"""B, I, N, D: no rows, no draws, few items so that they repeat, and widths beside a lane's."""


@pytest.fixture
def fresh_choice(monkeypatch):
    """Nothing is chosen before or after."""
    row_kernels.load.cache_clear()
    yield monkeypatch
    row_kernels.load.cache_clear()


def drawn(sizes):
    b, i, n, d = sizes
    random = np.random.default_rng(b + 10 * i + 100 * n + 1000 * d)
    query, items, weights, along = (
        random.normal(size=shape).astype(np.float32) for shape in ((b, d), (i, d), (b, n), (b, n))
    )
    return query, items, random.integers(0, i, (b, n)), weights, along


@given(SIZES)
@settings(max_examples=60, deadline=None)
def test_products_are_those_in_double_precision(sizes):
    loops = pytest.importorskip("negbench.ops.numba_kernels", exc_type=ImportError).COMPILED
    query, items, ids, *_ = drawn(sizes)
    exact = np.einsum("bd,bnd->bn", query.astype(float), items.astype(float)[ids])
    lengths = np.linalg.norm(items.astype(float), axis=1)[ids]
    out, unit, inverse = (np.empty(ids.shape, np.float32) for _ in range(3))
    assert loops["dots"](query, items, ids, out)
    assert loops["unit_dots"](query, items, ids, TINY, unit, inverse)
    np.testing.assert_allclose(out, exact, atol=1e-4)
    np.testing.assert_allclose(unit, exact / lengths, atol=1e-4)
    np.testing.assert_allclose(inverse, 1 / lengths, rtol=1e-5)
    pairs = np.empty(len(query), np.float32)
    loops["paired_dots"](query, query, pairs)
    np.testing.assert_allclose(pairs, (query.astype(float) ** 2).sum(1), rtol=1e-5)


@given(SIZES, st.sampled_from([1.0, -0.25]))
@settings(max_examples=60, deadline=None)
def test_sums_are_those_in_double_precision(sizes, scale):
    loops = pytest.importorskip("negbench.ops.numba_kernels", exc_type=ImportError).COMPILED
    query, items, ids, weights, along = drawn(sizes)
    one, both = np.ones_like(items), np.ones_like(items)
    loops["add_products"](one, ids, weights, query, scale)
    loops["add_two_products"](both, ids, weights, query, along, items, scale)
    exact = np.ones(items.shape)
    for b, n in np.ndindex(ids.shape):
        exact[ids[b, n]] += scale * float(weights[b, n]) * query[b]
    np.testing.assert_allclose(one, exact, atol=1e-4)
    for b, n in np.ndindex(ids.shape):
        exact[ids[b, n]] += scale * float(along[b, n]) * items[ids[b, n]]
    np.testing.assert_allclose(both, exact, atol=1e-4)


@pytest.mark.parametrize("kind", kernels.KINDS)
@pytest.mark.parametrize("ids", [[2, 0, 2], [[1, 1], [2, 1]], []])
def test_rows_add_up_at_their_ids(kind, ids, monkeypatch):
    kernels.use(kind, monkeypatch)
    random, ids = torch.Generator().manual_seed(0), torch.tensor(ids, dtype=torch.int64)
    rows, others = (torch.randn(*ids.shape, 5, generator=random) for _ in range(2))
    table = torch.randn(3, 5, generator=random)
    of_rows, of_own = torch.ones(3, 5), torch.ones(3, 5)
    add_rows(of_rows, ids, rows, 0.5, others)
    add_rows(of_rows, ids, rows)
    add_own_rows(of_own, ids, 0.5, table)
    expected = [torch.ones(3, 5), torch.ones(3, 5)]
    flat = zip(ids.reshape(-1).tolist(), rows.view(-1, 5), others.view(-1, 5), strict=True)
    for row, own, other in flat:
        expected[0][row] += 2 * own + 0.5 * other
        expected[1][row] += 0.5 * table[row]
    torch.testing.assert_close(of_rows, expected[0])
    torch.testing.assert_close(of_own, expected[1])


@pytest.mark.parametrize("kind", kernels.KINDS)
def test_other_layouts_and_types_are_added_too(kind, monkeypatch):
    kernels.use(kind, monkeypatch)
    ids = torch.tensor([0, 1, 0])
    for into in (torch.zeros(2, 4, dtype=torch.float64), torch.zeros(4, 2).T):
        rows = torch.ones(4, 3, dtype=into.dtype).T  # rows whose numbers are not side by side
        add_rows(into, ids, rows)
        assert into.tolist() == [[2.0] * 4, [1.0] * 4]


@pytest.mark.parametrize("kind", kernels.KINDS)
@pytest.mark.parametrize("id_", [3, -1])
def test_an_id_that_no_row_has_is_refused(kind, id_, monkeypatch):
    kernels.use(kind, monkeypatch)
    with pytest.raises((IndexError, RuntimeError)):
        add_rows(torch.zeros(3, 2), torch.tensor([id_]), torch.ones(1, 2))
    with pytest.raises((IndexError, RuntimeError)):
        add_own_rows(torch.zeros(3, 2), torch.tensor([id_]), 1.0, torch.ones(3, 2))


def test_not_a_number_stays_one(monkeypatch):
    kernels.use("numba", monkeypatch)
    scores = torch.empty(1, 1)
    for value in (torch.nan, torch.inf):
        query = torch.full((1, 19), value)
        row_kernels.run("dots", query, torch.ones(1, 19), torch.zeros(1, 1).long(), scores)
        assert torch.equal(scores.isnan(), query[:, :1].isnan()) and not scores.isfinite().any()


def test_without_numba_torch_runs(fresh_choice):
    fresh_choice.setitem(sys.modules, "negbench.ops.numba_kernels", None)  # as where it is missing
    fresh_choice.delattr(ops, "numba_kernels", raising=False)
    assert row_kernels.name() == "torch" and not row_kernels.applies(torch.ones(2, 2))
    assert row_kernels.problem() == ""
    fresh_choice.setenv(row_kernels.SWITCH, "numba")
    assert "pip install 'negbench[fast]'" in row_kernels.problem()


def test_a_switch_chooses_torch_and_refuses_other_words(fresh_choice):
    fresh_choice.setenv(row_kernels.SWITCH, "torch")
    assert row_kernels.name() == "torch" and row_kernels.problem() == ""
    fresh_choice.setenv(row_kernels.SWITCH, "tortch")
    assert row_kernels.problem().endswith("got 'tortch'")


def test_a_gpu_has_torchs_kernels(monkeypatch):
    kernels.use("numba", monkeypatch)
    assert row_kernels.name("cuda") == "torch"
    assert row_kernels.name().startswith("numba ")
    assert not row_kernels.applies(torch.ones(2, 2, device="meta"))
    assert not row_kernels.applies(torch.ones(2, 2, dtype=torch.float64))
    assert not row_kernels.applies(torch.ones(2, 3).T)
