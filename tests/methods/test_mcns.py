"""MCNS: the chain's law against its target, one move against its matrix, tables and limits."""

import importlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.plugins.term_syntax import config_of
from negbench.protocol import Batch, Negatives
from negbench.testing.toy_data import TrainingHarness, saturated_context, toy_context

mcns = importlib.import_module("negbench.methods.mcns")
N_ITEMS, MANY = 10, 3000


def harness(settings="", context=None):
    word = f"mcns({settings})"
    return TrainingHarness(recipe(word).build(), *([context] if context else []))


def copies(settings, met=(0, 1)):
    """Many users with one vector and one train set, and popular items among the others' sets."""
    sets = [list(met)] * MANY + [list(range(2, 10))] * 900 + [[2, 3]] * 2000 + [[3, 4, 5]] * 900
    each = harness(settings, toy_context(sets, N_ITEMS))
    each.tables.users[:] = each.tables.users[:1].clone()
    scores = (each.tables.items.mean(1) @ each.tables.users[0].mean(0)).double()
    return each, Batch(torch.arange(MANY), torch.zeros(MANY, dtype=torch.long)), scores


def target(scores, power, met=(0, 1)):
    logits = power * scores
    logits[list(met)] = -torch.inf
    return logits.softmax(0)


@pytest.mark.parametrize("mix", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_the_chain_has_the_law_of_the_scores_to_a_power_whatever_it_proposes(power, mix):
    """power=0 is uniform, power=1 the softmax; popular items are proposed much more often."""
    each, batch, scores = copies(f"power={power},mix={mix},moves=25,neighbours=5")
    for number in (1, 2, 3):
        each.train(number, batch)
    seen = torch.bincount(each.method.sampler.states[:MANY, 0], minlength=N_ITEMS).double()
    law = target(scores, power)
    assert not seen[[0, 1]].any()
    assert stats.chisquare(seen[2:], MANY * law[2:]).pvalue > 1e-3


def matrix(each, scores, power, mix, met):
    """One move in a loop: the probability of every state from every state."""
    tables, counts = each.method.sampler.tables.tolist(), each.context.counts.tolist()
    p = np.array(counts) + 1
    p = p / p.sum()
    q = np.array(
        [[(1 - mix) * p[y] + mix * tables[x].count(y) / len(tables[x]) for y in range(N_ITEMS)]
         for x in range(N_ITEMS)]
    )  # fmt: skip
    move = np.zeros((N_ITEMS, N_ITEMS))
    for x in range(N_ITEMS):
        for y in set(range(N_ITEMS)) - {x} - set(met):
            ratio = np.exp(power * float(scores[y] - scores[x])) * q[y, x] / q[x, y]
            move[x, y] = q[x, y] * min(1, ratio)
        move[x, x] = 1 - move[x].sum()
    return move


@pytest.mark.parametrize("start", [2, 3, 9])
def test_one_move_is_that_of_a_loop(start):
    each, batch, scores = copies("moves=1,power=0.8,mix=0.4,neighbours=5")
    move = matrix(each, scores, 0.8, 0.4, (0, 1))
    law = target(scores, 0.8).numpy()
    np.testing.assert_allclose(law @ move, law, atol=1e-8)
    each.method.sampler.states[:] = start
    seen = np.bincount(each.method.sampler.sample(each.step(1, batch)).ids[:, 0], minlength=10)
    possible = move[start] * MANY > 1
    assert seen[move[start] == 0].sum() == 0
    want = [*(MANY * move[start][possible]), MANY * move[start][~possible].sum()]
    got = [*seen[possible], seen[~possible].sum()]
    keep = -1 if want[-1] == 0 else None
    assert stats.chisquare(got[:keep], want[:keep]).pvalue > 1e-3


def test_tables_are_walks_over_users():
    sets = [[0, 1], [1, 2, 3], [3]]
    tables = mcns.walk_tables(toy_context(sets, 5), 4000, torch.Generator().manual_seed(0))
    assert tables.shape == (5, 4000)
    for item in range(4):
        law = np.zeros(5)
        met = [items for items in sets if item in items]
        for items in met:
            law[items] += 1 / len(met) / len(items)
        seen = np.bincount(tables[item], minlength=5)
        assert not seen[law == 0].any()
        if (law > 0).sum() > 1:
            assert stats.chisquare(seen[law > 0], 4000 * law[law > 0]).pvalue > 1e-3
    assert stats.chisquare(np.bincount(tables[4], minlength=5)).pvalue > 1e-3


def test_a_user_goes_on_from_its_last_row_and_others_stay():
    each = harness("negatives=2")
    before = each.method.sampler.states.clone()
    batch = Batch(torch.tensor([4, 0, 4, 0]), torch.tensor([9, 0, 10, 1]))
    drawn = each.method.sampler.sample(each.step(1, batch))
    assert torch.equal(each.method.sampler.states, before)
    result = each.train(1, batch)
    assert torch.equal(result.drawn.ids, drawn.ids)
    after = each.method.sampler.states.long()
    assert torch.equal(after[[4, 0]], result.drawn.ids[[2, 3]])
    still = [1, 2, 3, 5, 6]
    assert torch.equal(after[still], before[still].long())


def test_each_row_has_its_own_chain_and_its_own_random_number():
    """A batch accepts some and rejects some of the same proposal."""
    each, batch, scores = copies("moves=1,mix=0,power=1")
    order = [k for k in scores.argsort(descending=True).tolist() if k > 1]
    each.method.sampler.states[:] = order[1]
    ids = each.method.sampler.sample(each.step(1, batch)).ids[:, 0]
    assert len(ids.unique()) > 2 and 0 < float((ids == order[1]).double().mean()) < 1


def test_the_loss_is_bpr_or_the_hinge_of_sigmoids():
    softplus, sigmoid = torch.nn.functional.softplus, torch.sigmoid
    for loss in ("bpr", "hinge"):
        result = harness(f"negatives=3,loss={loss}").forward()
        if loss == "bpr":
            want = softplus(result.s_neg - result.s_pos.unsqueeze(1)).mean(1)
        else:
            gap = 0.1 + sigmoid(result.s_neg) - sigmoid(result.s_pos).unsqueeze(1)
            want = gap.clamp(min=0).mean(1)
        torch.testing.assert_close(result.rows, want)
        result.rows.sum().backward()
        leaves = result.step.view.leaves
        # The chain's own scores leave nothing behind: one gather has a gradient.
        assert len(leaves.rows) == 1 and leaves.rows[0][1].grad.any()
        assert leaves.query.grad.any() and leaves.positive.grad.any()


def test_a_masked_negative_and_a_row_without_any_cost_nothing():
    objective = mcns.SigmoidHinge()
    scores = torch.tensor([[0.5, 3.0], [0.5, 3.0], [1.0, 2.0]])
    mask = torch.tensor([[True, False], [False, False], [True, True]])
    rows = objective.rows(
        None, torch.zeros(3), scores, Negatives(torch.zeros(3, 2).long(), mask=mask)
    )
    sigma = torch.sigmoid(scores) - 0.5 + 0.1
    torch.testing.assert_close(rows, torch.stack([sigma[0, 0], torch.tensor(0.0), sigma[2].mean()]))


def test_a_user_without_items_is_masked():
    each = harness("negatives=2", saturated_context())
    for number in (1, 2, 3):
        result = each.train(number)
        users, ids = result.step.batch.users, result.used.ids
        assert torch.equal(result.used.mask, (users != 3).unsqueeze(1).expand(-1, 2))
        assert not (each.context.excluded.contains(users, ids) & result.used.mask).any()
        assert not result.rows[users == 3].any()


def test_a_fresh_method_goes_on_where_the_chains_are():
    first, second = harness(), harness()
    for number in (1, 2):
        first.train(number)
    second.load_state_dict(first.state_dict())
    for number in (3, 4):
        assert torch.equal(first.train(number).used.ids, second.train(number).used.ids)
    assert torch.equal(first.method.sampler.states, second.method.sampler.states)


def test_the_seed_of_the_data_sets_tables_and_first_states():
    context = toy_context([[0, 1], [2, 3, 4]], 40)
    one, same = harness("", context), harness("", context)
    other = harness("", replace(context, seed=1))
    assert torch.equal(one.method.sampler.tables, same.method.sampler.tables)
    assert not torch.equal(one.method.sampler.tables, other.method.sampler.tables)


def test_the_released_settings():
    config = config_of(mcns, {"preset": "released"}, "mcns")
    assert config == mcns.Config(power=0.25, mix=0.5, neighbours=100, loss="hinge")


@pytest.mark.parametrize(
    "wrong", ["negatives=0", "power=-1", "moves=0", "mix=1", "neighbours=0", "loss=bce"]
)
def test_bad_settings_are_refused(wrong):
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}.* must be"):
        recipe(f"mcns({wrong})")
