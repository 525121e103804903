"""LambdaRank weights: what a swap does to DCG, ranks in a loop, and BPR where weights are alike."""

import importlib
import math
from dataclasses import replace

import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.protocol.step import Negatives
from negbench.testing.toy_data import TrainingHarness, saturated_context

lambda_loss = importlib.import_module("negbench.methods.lambda_loss")


def dcg(place, k=0):
    return 1 / math.log2(1 + place) if not k or place <= k else 0.0


@pytest.mark.parametrize("k", [0, 1, 3, 20])
def test_a_rank_weight_is_what_the_swap_does_to_dcg(k):
    own, other = torch.tensor([[1.0], [4.0], [9.0]]), torch.tensor([[2.0, 7.0, 21.0]] * 3)
    got = lambda_loss.swap_weights(own, other, "rank", k)
    for r, i in enumerate((1, 4, 9)):
        for c, j in enumerate((2, 7, 21)):
            # The positive alone gains: it stands at i before the swap and at j after it.
            assert float(got[r, c]) == pytest.approx(abs(dcg(i, k) - dcg(j, k)), abs=1e-6)


@pytest.mark.parametrize("weight", ["loss", "released"])
def test_a_loss_weight_is_of_the_distance_of_ranks(weight):
    own, other = torch.tensor([[5.0]]), torch.tensor([[5.0, 4.0, 6.0, 9.0]])
    got = lambda_loss.swap_weights(own, other, weight)[0].tolist()
    want = [dcg(d) - (dcg(d + 1) if weight == "loss" else 0) for d in (1, 1, 1, 4)]
    assert got == pytest.approx(want)
    cut = lambda_loss.swap_weights(own, other, weight, k=4)[0].tolist()
    assert cut == pytest.approx([0, want[1], 0, 0])


def test_exact_ranks_are_those_of_a_sorted_list():
    harness = TrainingHarness(recipe("lambda_loss(negatives=6)").build())
    outcome = harness.forward()
    view, drawn = outcome.step.view, outcome.used
    for r in range(len(outcome.rows)):
        scores = (view.items @ view.query[r]).detach()
        rank = {int(i): p for p, i in enumerate(scores.argsort(descending=True), 1)}
        i = int(outcome.step.batch.items[r])
        w = [abs(dcg(rank[i]) - dcg(rank[int(j)])) for j in drawn.ids[r]]
        usable = torch.ones(6).bool() if drawn.mask is None else drawn.mask[r]
        got = drawn.logw[r].exp()[usable]
        torch.testing.assert_close(got, torch.tensor(w)[usable], rtol=1e-4, atol=1e-5)
        losses = torch.nn.functional.softplus(outcome.s_neg[r] - outcome.s_pos[r]).detach()
        want = (torch.tensor(w) * losses)[usable].sum() / max(1, int(usable.sum()))
        torch.testing.assert_close(outcome.rows[r].detach(), want, rtol=1e-4, atol=1e-5)


def test_ranks_depend_on_the_order_of_scores_alone():
    harness = TrainingHarness(recipe("lambda_loss(negatives=6)").build())
    before = harness.forward().used.logw
    harness.tables.users *= 3.0
    torch.testing.assert_close(harness.forward().used.logw, before)


def test_all_draws_give_the_exact_ranks_too():
    """Every other item drawn once: the estimate is the rank itself."""
    scores = torch.randn(9, 12, generator=torch.Generator().manual_seed(0))
    got = lambda_loss.sampled_ranks(scores, Negatives(torch.zeros(9, 11, dtype=torch.long)), 12)
    want = 1 + (scores.unsqueeze(1) > scores.unsqueeze(2)).sum(2).float()
    assert torch.equal(got[:, 0], want[:, 0])
    # A negative misses the positive among those above it: at most one rank.
    missed = (want - got)[:, 1:]
    assert ((missed == 0) | (missed == 1)).all()


def test_masked_negatives_change_nothing():
    harness = TrainingHarness(recipe("random(negatives=8)").build())
    step = harness.step()
    drawn = harness.method.sampler.sample(step)
    mask = torch.ones_like(drawn.ids, dtype=torch.bool)
    mask[:, 5:] = False
    for ranks in ("exact", "sampled"):
        stage = lambda_loss.WeighBySwap(ranks=ranks)
        masked = stage.apply(step, replace(drawn, mask=mask)).logw[:, :5]
        cut = stage.apply(step, Negatives(drawn.ids[:, :5])).logw
        torch.testing.assert_close(masked, cut)
        assert not cut.requires_grad


@pytest.mark.parametrize("text", ["in_batch+lambda_loss", "lambda_loss(k=2,ranks=sampled)"])
def test_rows_and_gradients_are_finite(text):
    for context in (None, saturated_context()):
        method = recipe(text).build()
        harness = TrainingHarness(method, context) if context else TrainingHarness(method)
        outcome = harness.forward()
        outcome.loss.backward()
        assert outcome.rows.isfinite().all() and outcome.step.view.query.grad.isfinite().all()
    full = outcome.step.batch.users == 3
    assert torch.equal(outcome.rows[full], torch.zeros(int(full.sum())))


@pytest.mark.parametrize("wrong", ["negatives=0", "k=-1", "weight=x", "ranks=x"])
def test_what_is_out_of_range_is_refused(wrong):
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}.* must be"):
        recipe(f"lambda_loss({wrong})")
