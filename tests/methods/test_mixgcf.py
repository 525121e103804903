"""MixGCF: DNS with a random margin scale on one layer, a naive twin on several, its gradients."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.methods import mixgcf
from negbench.plugins.term_syntax import config_of
from negbench.protocol.step import Negatives
from negbench.testing.toy_data import LAYERS, TrainingHarness
from negbench.training.forward import Outcome, forward


def run(method: str, *, flat: bool = True, number: int = 1) -> Outcome:
    """One step; `flat` hides the toy backbone's layers, as on matrix factorisation."""
    harness = TrainingHarness(recipe(method).build())
    step = harness.step(number)
    if flat:
        step = replace(step, view=replace(step.view, item_layers=None, query_layers=None))
    return forward(harness.method, step)


def shares(m: int, like: Outcome, k: int = 1, layers: int = 1) -> torch.Tensor:
    """The shares a [B, K, L] that the step drew: after its candidates, from the same generator."""
    step = TrainingHarness(recipe("random").build()).step(like.step.number)
    sampler = TrainingHarness(recipe(f"dns(candidates={m})").build()).method.sampler
    drawn = sampler.sample(step)
    assert torch.equal(drawn.ids, like.drawn.ids)
    return torch.rand(len(step.batch), k, layers, generator=step.generator)


def test_on_one_layer_it_is_dns_with_a_random_margin_scale():
    mixed, hard = run("mixgcf(candidates=5)"), run("dns(candidates=5)")
    assert torch.equal(mixed.used.ids, hard.used.ids)
    a = shares(5, mixed).view(-1)
    assert a.min() < 0.2 and a.max() > 0.8
    expected = F.softplus((1 - a) * (hard.s_neg[:, 0] - hard.s_pos))
    torch.testing.assert_close(mixed.rows, expected)


@pytest.mark.parametrize("scale", [0.0, 0.3])
def test_a_fixed_share_is_soft_bpr_and_none_is_dns(scale):
    mixed = run(f"mixgcf(candidates=5,low={scale},high={scale})")
    soft = run(f"soft_bpr(candidates=5,alpha={scale})")
    assert torch.equal(mixed.used.ids, soft.used.ids)
    torch.testing.assert_close(mixed.rows, soft.rows)
    if not scale:
        assert torch.equal(mixed.rows, run("dns(candidates=5)").rows)


@pytest.mark.parametrize("flat", [True, False])
def test_the_positive_as_negative_teaches_nothing(flat):
    outcome = run("mixgcf(low=1,high=1)", flat=flat)
    torch.testing.assert_close(outcome.rows, torch.full_like(outcome.rows, 2).log())
    outcome.loss.backward()
    leaves = outcome.step.view.leaves
    # The positive's mean and its layers are leaves of their own; the backbone adds both.
    of_layers = sum(v.grad.sum(-2) for i, v in leaves.layers if i.dim() == 1)
    assert (leaves.positive.grad + of_layers).abs().max() < 1e-6
    assert leaves.query.grad.abs().max() < 1e-6
    taken = [*leaves.rows, *((i, v) for i, v in leaves.layers if i.dim() == 3)]
    assert taken and all(not bool(v.grad.any()) for _, v in taken)


def test_what_it_holds_of_the_positive_cancels_from_its_gradient():
    """With the slope of the loss held, d loss / d e_i is (1 - a) times that of dns."""
    mixed, hard = run("mixgcf(candidates=5)"), run("dns(candidates=5)")
    for outcome in (mixed, hard):
        outcome.s_neg[:, 0].sub(outcome.s_pos).sum().backward()
    a = shares(5, mixed).view(-1, 1)
    of_mixed, of_dns = (outcome.step.view.leaves for outcome in (mixed, hard))
    torch.testing.assert_close(of_mixed.positive.grad, (1 - a) * of_dns.positive.grad)
    torch.testing.assert_close(of_mixed.query.grad, (1 - a) * of_dns.query.grad)
    torch.testing.assert_close(
        of_mixed.rows[0][1].grad, (1 - a).unsqueeze(1) * of_dns.rows[0][1].grad
    )
    assert of_mixed.penalised == 0 and len(of_mixed.rows) == 1


@pytest.mark.parametrize("query", ["pooled", "layer"])
def test_layers_choose_for_themselves_as_in_a_loop(query):
    m, k = 4, 2
    outcome = run(f"mixgcf(candidates={m},negatives={k},query={query})", flat=False)
    view, batch = outcome.step.view, outcome.step.batch
    a = shares(m * k, outcome, k, LAYERS)
    for b in range(len(batch)):
        total = 1.0
        for n in range(k):
            pooled, items = torch.zeros(8), []
            for layer in range(LAYERS):
                u = view.query[b] if query == "pooled" else view.query_layers[b, layer]
                p = view.item_layers[batch.items[b], layer]
                mixtures = [
                    a[b, n, layer] * p + (1 - a[b, n, layer]) * view.item_layers[j, layer]
                    for j in outcome.drawn.ids[b, n * m : (n + 1) * m]
                ]
                best = max(range(m), key=lambda at, x=mixtures, u=u: float((u @ x[at]).detach()))
                pooled = pooled + mixtures[best] / LAYERS
                items.append(int(outcome.drawn.ids[b, n * m + best]))
            torch.testing.assert_close(outcome.used.vectors[b, n], pooled)
            assert int(outcome.used.ids[b, n]) in items
            total += float((view.query[b] @ (pooled - view.positive[b])).detach().exp())
        assert float(outcome.rows[b].detach()) == pytest.approx(
            float(torch.tensor(total).log()), rel=1e-4
        )


def test_the_gradient_reaches_both_ends_of_the_mixture_at_every_layer():
    outcome = run("mixgcf", flat=False)
    outcome.loss.backward()
    leaves = outcome.step.view.leaves
    positives, negatives = leaves.layers
    for ids, vectors in (positives, negatives):
        assert len(ids) == len(outcome.step.batch)
        assert bool(vectors.grad.flatten(1).any(1).all())
    assert leaves.query_layers.grad is None  # the pooled user chooses and scores
    assert bool(leaves.query.grad.any(1).all())


def test_a_direction_that_no_user_has_changes_no_choice():
    harness = TrainingHarness(recipe("mixgcf").build())
    harness.tables.users[:, :, 0] = 0
    before = forward(harness.method, harness.step())
    harness.tables.items[:, :, 0] += 3.0
    after = forward(harness.method, harness.step())
    assert torch.equal(before.used.ids, after.used.ids)
    torch.testing.assert_close(before.rows, after.rows)


@pytest.mark.parametrize("flat", [True, False])
def test_masked_candidates_are_never_mixed(flat):
    harness = TrainingHarness(recipe("mixgcf").build())
    step = harness.step()
    if flat:
        step = replace(step, view=replace(step.view, item_layers=None, query_layers=None))
    ids = torch.arange(12).expand(len(step.batch), -1)
    mask = torch.zeros(ids.shape, dtype=torch.bool)
    mask[:, 7] = True
    mask[0] = False
    used = harness.method.stages[0].apply(step, Negatives(ids, mask=mask))
    assert bool((used.ids[1:] == 7).all()) and not bool(used.mask[0]) and bool(used.mask[1:].all())
    s_pos = step.view.score_pair(step.view.positive)
    rows = harness.method.objective.rows(step, s_pos, step.score(used), used)
    assert rows[0] == 0 and bool(torch.isfinite(rows).all())


def test_the_released_preset():
    config = config_of(mixgcf, {"preset": "released"}, "mixgcf")
    assert config == mixgcf.Config(candidates=64, negatives=1, query="pooled", low=0, high=1)


@pytest.mark.parametrize("wrong", ["low=0.6,high=0.5", "high=1.5", "low=-1"])
def test_shares_out_of_range_are_refused(wrong):
    with pytest.raises(UserError, match="`low` and `high` must be shares"):
        recipe(f"mixgcf({wrong})")


def test_vectors_without_ids_are_refused():
    harness = TrainingHarness(recipe("mixgcf").build())
    step = harness.step()
    with pytest.raises(UserError, match="mixgcf needs negatives that are items"):
        harness.method.stages[0].apply(step, Negatives(vectors=torch.zeros(28, 3, 8)))
