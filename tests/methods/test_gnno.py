"""GNNO: the overlaps against loops, the law of the draws at each hardness, the curriculum."""

import importlib
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.parts import BCE, Uniform
from negbench.plugins.term_syntax import config_of
from negbench.protocol import Batch, Csr, Membership, Method
from negbench.testing import CHECKS, conforms
from negbench.testing.toy_data import TrainingHarness, saturated_context, toy_context

gnno = importlib.import_module("negbench.methods.gnno")
SETS = [[0, 1, 2, 5], [1, 2, 0, 1], [3, 2, 6], [4, 1, 3, 2], [0, 2, 7], [5, 6]]
N_ITEMS, N = 9, 6000


def harness(settings="", context=None):
    return TrainingHarness(
        recipe(f"gnno({settings})").build(), context or toy_context(SETS, N_ITEMS)
    )


def counts(sets=SETS, n=N_ITEMS, binary=False):
    table = np.zeros((n, n))
    for items in sets:
        for one, two in zip(items[:-1], items[1:], strict=True):
            table[one, two] = 1 if binary else table[one, two] + 1
    return table


def overlaps(table):
    """J by a loop; 0 where nothing is shared."""
    n = len(table)
    j = np.zeros((n, n))
    for a in range(n):
        for b in range(n):
            shared = table[a] @ table[b]
            if shared:
                j[a, b] = shared / (table[a] @ table[a] + table[b] @ table[b] - shared)
    return j


def dense(overlap, n=N_ITEMS):
    j = np.zeros((n, n))
    for i in range(n):
        row = slice(overlap.indptr[i], overlap.indptr[i + 1])
        assert (overlap.values[row].diff() >= 0).all()
        j[i, overlap.items[row]] = overlap.values[row]
    return j


def extras(each, user, item, epoch, rows=1):
    batch = Batch(torch.full((rows,), user), torch.full((rows,), item))
    step = replace(each.step(1, batch), epoch=epoch)
    (stage,) = each.method.stages
    return stage.draw(step, stage.ends(each.method.stages[0].config.hardness(epoch)))


@pytest.mark.parametrize("binary", [False, True])
def test_overlaps_are_those_of_a_loop_symmetric_and_from_0_to_1(binary):
    each = harness(f"weights={'binary' if binary else 'counts'}")
    got = dense(each.method.stages[0].overlap)
    want = overlaps(counts(binary=binary))
    assert want.max() <= 1 + 1e-12
    np.fill_diagonal(want, 0)
    np.testing.assert_allclose(got, want, atol=1e-6)
    np.testing.assert_allclose(got, got.T, atol=1e-6)
    assert (got > 0).sum() >= 6 and (got > 0).sum() < N_ITEMS**2 / 2


def test_binary_overlap_is_the_jaccard_index_of_the_sets_that_follow():
    follow = [set(np.flatnonzero(row)) for row in counts()]
    got = dense(harness("weights=binary").method.stages[0].overlap)
    for a in range(N_ITEMS):
        for b in set(range(N_ITEMS)) - {a}:
            both = follow[a] | follow[b]
            assert got[a, b] == pytest.approx(len(follow[a] & follow[b]) / max(1, len(both)))


def test_transitions_stay_within_a_user():
    graph = gnno.transitions(toy_context([[0, 1], [2, 3], [0, 1]], 4).train).toarray()
    assert graph.tolist() == [[0, 2, 0, 0], [0] * 4, [0, 0, 0, 1], [0] * 4]


@pytest.mark.parametrize("limit", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("user,item", [(5, 1), (2, 0), (3, 2), (1, 8)])
def test_draws_follow_e_to_the_overlap_up_to_the_ceiling_outside_the_exclusion(limit, user, item):
    each = harness(f"extra={N},growth=0,start=1,limit={limit}")
    j = dense(each.method.stages[0].overlap)[item]
    law = np.where(j <= limit, np.exp(j), 0)
    law[[item, *SETS[user]]] = 0
    drawn = extras(each, user, item, 1)
    assert drawn.mask is None
    seen = np.bincount(drawn.ids[0], minlength=N_ITEMS)
    assert not seen[law == 0].any()
    possible = law > 0
    assert stats.chisquare(seen[possible], N * law[possible] / law.sum()).pvalue > 1e-3


def test_hardness_0_draws_only_items_without_a_common_neighbour():
    each = harness("extra=500,limit=0,start=1")
    j = overlaps(counts())
    for item in range(N_ITEMS):
        ids = set(extras(each, 5, item, 1).ids[0].tolist())
        assert ids and all(j[item, k] == 0 for k in ids)


def test_the_target_is_never_drawn_even_where_nothing_is_excluded():
    context = toy_context(SETS, N_ITEMS)
    nothing = Csr.of([], [], n_rows=len(SETS), n_columns=N_ITEMS)
    context = replace(context, excluded=Membership.of(nothing))
    each = harness("extra=3000,growth=0,limit=1,start=1", context)
    for item in range(N_ITEMS):
        ids = set(extras(each, 0, item, 1).ids[0].tolist())
        assert ids == set(range(N_ITEMS)) - {item}


def test_the_exact_law_is_that_of_the_draws():
    """A user of all but a few items: rounds fail, and what is left is drawn exactly."""
    sets = [list(range(396)), [396, 0], [397, 0], [0, 1]]
    context = toy_context(sets, 400)
    each = harness("extra=1,growth=0,limit=1,start=1", context)
    j = overlaps(counts(sets, 400))[396]  # 396 and 397 are both followed by 0 alone
    assert j[397] == 1 and j[398] == 0
    drawn = extras(each, 0, 396, 1, rows=N)
    seen = np.bincount(drawn.ids[:, 0], minlength=400)
    assert seen[397:].sum() == N and drawn.mask is None
    law = np.exp(j[397:])
    assert stats.chisquare(seen[397:], N * law / law.sum()).pvalue > 1e-3


def test_a_row_with_nothing_below_the_ceiling_has_its_uniform_negative_alone():
    sets = [[0, 3], [1, 3], [2, 3], [0, 1]]  # 0, 1 and 2 share what follows them
    each = harness("limit=0,growth=0,start=1", toy_context(sets, 4))
    step = each.step(1, Batch(torch.tensor([0, 3]), torch.tensor([0, 0])))
    drawn = each.method.sampler.sample(step)
    used = each.method.stages[0].apply(step, drawn)
    # User 0 has 1 and 2 left, each with an overlap; user 3 has 3, which no item shares.
    assert used.mask.tolist() == [[True, False, False, False], [True] * 4]
    assert used.ids[1].tolist()[1:] == [3, 3, 3]


def test_before_it_starts_it_is_uniform_negatives_with_bce():
    each, even = (
        harness("start=2"),
        TrainingHarness(Method(Uniform(1), BCE()), toy_context(SETS, N_ITEMS)),
    )
    one, two = each.forward(), even.forward()
    assert torch.equal(one.used.ids, two.used.ids) and torch.equal(one.rows, two.rows)


def test_then_all_negatives_of_a_row_weigh_alike():
    each = harness("extra=3,start=1")
    result = each.forward()
    assert result.used.n == 4 and result.used.logw is None
    softplus = torch.nn.functional.softplus
    want = softplus(-result.s_pos) + softplus(result.s_neg).mean(1)
    torch.testing.assert_close(result.rows, want)
    assert torch.equal(result.used.ids[:, :1], result.drawn.ids)
    result.rows.sum().backward()
    assert result.step.view.leaves.query.grad.any() and result.step.view.leaves.positive.grad.any()


@pytest.mark.parametrize(
    "settings,heights",
    [
        ("start=5,growth=0.02", {4: None, 5: 0, 6: 0.02, 15: 0.2, 40: 0.7, 99: 0.7}),
        ("start=2,growth=0,limit=0.3", {1: None, 2: 0.3, 9: 0.3}),
    ],
)
def test_hardness_grows_from_0_to_its_limit(settings, heights):
    config = recipe(f"gnno({settings})").build().stages[0].config
    assert {e: config.hardness(e) for e in heights} == pytest.approx(heights)


@pytest.mark.parametrize(
    "settings,begins",
    [("start=5,growth=0.02", 40), ("start=2,growth=0", 2), ("growth=0.3,start=1", 4)],
)
def test_it_is_itself_at_the_end_of_the_curriculum(settings, begins):
    method = recipe(f"gnno({settings})").build()
    assert method.own_phase.begins == begins
    config = method.stages[0].config
    assert config.hardness(begins) == config.limit
    assert config.growth == 0 or config.hardness(begins - 1) < config.limit


def test_small_overlaps_can_count_as_none():
    j = overlaps(counts())
    np.fill_diagonal(j, 0)
    cut = float(np.median(j[j > 0]))
    got = dense(harness(f"least={cut}").method.stages[0].overlap)
    np.testing.assert_allclose(got, np.where(j > cut + 1e-9, j, 0), atol=1e-6)


def test_too_many_pairs_are_refused_with_a_remedy(monkeypatch):
    monkeypatch.setattr(gnno, "MOST", 3)
    with pytest.raises(UserError, match="raise `least`"):
        harness()


def test_a_user_without_items_is_masked():
    each = harness("start=1,growth=0,limit=1", saturated_context())
    result = each.forward()
    users = result.step.batch.users
    assert torch.equal(result.used.mask.any(1), users != 3)
    assert not (each.context.excluded.contains(users, result.used.ids) & result.used.mask).any()
    want = torch.nn.functional.softplus(-result.s_pos)[users == 3]
    torch.testing.assert_close(result.rows[users == 3], want)


def test_the_law_in_rows_is_that_of_the_draws():
    overlap = harness().method.stages[0].overlap
    targets, ends = torch.arange(N_ITEMS), overlap.ends(0.25)
    j = overlaps(counts())
    want = np.where(j <= 0.25, np.exp(j), 0)
    np.fill_diagonal(want, 0)
    np.testing.assert_allclose(overlap.law(targets, ends), want, atol=1e-5)
    assert math.isclose(
        float(overlap.mass[-1]), np.exp(j)[(j > 0) & ~np.eye(9, dtype=bool)].sum(), rel_tol=1e-5
    )


@pytest.mark.parametrize("check", sorted(set(CHECKS) - {"says_what_it_is"}))
def test_it_conforms_in_the_epochs_with_extra_negatives(check):
    conforms("gnno(start=1,growth=0)", check)


def test_the_released_settings():
    assert gnno.CARD.needs == ("order",)
    config = config_of(gnno, {"preset": "released"}, "gnno")
    assert config == gnno.Config(extra=3, start=5, growth=0.02, limit=0.7)


@pytest.mark.parametrize("wrong", ["extra=0", "start=0", "growth=-1", "limit=2", "weights=log"])
def test_bad_settings_are_refused(wrong):
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}.* must be"):
        recipe(f"gnno({wrong})")
