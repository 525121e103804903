"""DENS: what the gates split, the ramp's two ends, loop twins of choice and loss, its state."""

import importlib
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from negbench.composition import recipe
from negbench.plugins.term_syntax import config_of
from negbench.protocol.step import Negatives
from negbench.testing.toy_data import LAYERS, TrainingHarness, saturated_context
from negbench.training.forward import forward

dens = importlib.import_module("negbench.methods.dens")


def harness_of(settings="", zero=False, bias=0.0, context=None):
    build = recipe(f"dens({settings})").build
    harness = TrainingHarness(build(), context) if context else TrainingHarness(build())
    if zero:
        with torch.no_grad():
            for name, p in harness.method.stages[0].gates.named_parameters():
                p.fill_(bias if name.endswith("bias") else 0.0)
    return harness


def step_of(harness, epoch=1, flat=False):
    step = replace(harness.step(), epoch=epoch)
    if not flat:
        return step
    return replace(step, view=replace(step.view, item_layers=None, query_layers=None))


def forward_of(harness, epoch=1, flat=False):
    return forward(harness.method, step_of(harness, epoch, flat))


def test_the_parts_of_a_vector_are_the_vector():
    gates = dens.Gates(8, 0)
    p, u, n = torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(0))
    p_r = gates.of_positives(p, u)
    n_r = gates.of_negatives(n, p_r)
    for b in range(5):
        gate = gates.positive.weight @ p[b] + gates.positive.bias
        gate = gate + gates.user.weight @ u[b] + gates.user.bias
        torch.testing.assert_close(p_r[b], p[b] * gate.sigmoid())
        gate = gates.negative.weight @ n[b] + gates.negative.bias
        gate = gate + gates.relevant.weight @ p_r[b] + gates.relevant.bias
        torch.testing.assert_close(n_r[b], n[b] * gate.sigmoid())
    for whole, part in ((p, p_r), (n, n_r)):
        assert bool((part / whole > 0).all()) and bool((part / whole < 1).all())
        torch.testing.assert_close(part + (whole - part), whole)
    values = torch.cat([w.detach().flatten() for w in gates.parameters()])
    assert values.numel() == 4 * 8 * 8 + 4 * 8
    assert 0.9 / 8**0.5 < float(values.abs().max()) <= 1 / 8**0.5


def test_half_open_gates_begin_as_dns_and_end_at_the_easiest_candidate():
    harness = harness_of("candidates=5,warm=10", zero=True)
    hard = TrainingHarness(recipe("dns(candidates=5)").build())
    first, of_dns = (
        forward_of(harness, 1, flat=True),
        forward(hard.method, step_of(hard, flat=True)),
    )
    assert torch.equal(first.used.ids, of_dns.used.ids) and torch.equal(first.rows, of_dns.rows)
    for epoch in (11, 50):
        last = forward_of(harness, epoch, flat=True)
        easiest = last.step.score(last.drawn).amin(1)
        torch.testing.assert_close(last.s_neg[:, 0], easiest)
    halfway = forward_of(harness, 3, flat=True)  # t = .2: (1 - t) - .5 is still above 0
    assert torch.equal(halfway.used.ids, of_dns.used.ids)


def test_closed_gates_without_their_loss_are_dns_to_the_end_of_the_ramp():
    harness = harness_of("candidates=5,warm=10,gamma=0", zero=True, bias=-100.0)
    hard = TrainingHarness(recipe("dns(candidates=5)").build())
    of_dns = forward(hard.method, step_of(hard, flat=True))
    for epoch in (1, 6, 10):
        outcome = forward_of(harness, epoch, flat=True)
        assert torch.equal(outcome.used.ids, of_dns.used.ids) and not outcome.losses
        assert torch.equal(outcome.rows, of_dns.rows)
    assert harness.minimised == []


def test_layers_choose_for_themselves_as_in_a_loop():
    harness = harness_of("candidates=4,warm=10")
    outcome = forward_of(harness, epoch=5)
    gates, t = harness.method.stages[0].gates, 0.4
    view, batch, ids = outcome.step.view, outcome.step.batch, outcome.drawn.ids
    terms = []
    with torch.no_grad():
        for b in range(len(batch)):
            p_rs, n_rs, ps, ns, items = [], [], [], [], []
            for layer in range(LAYERS):
                u, p = view.query_layers[b, layer], view.item_layers[batch.items[b], layer]
                p_r = gates.of_positives(p, u)
                items_here = [view.item_layers[j, layer] for j in ids[b]]
                values = [float(u @ ((1 - t) * n - gates.of_negatives(n, p_r))) for n in items_here]
                best = max(range(4), key=lambda at, v=values: v[at])
                items.append(int(ids[b, best]))
                ps.append(p), p_rs.append(p_r), ns.append(items_here[best])
                n_rs.append(gates.of_negatives(items_here[best], p_r))
            p, p_r, n, n_r = (sum(x) / LAYERS for x in (ps, p_rs, ns, n_rs))
            torch.testing.assert_close(outcome.used.vectors[b, 0], n)
            assert int(outcome.used.ids[b, 0]) in items

            def s(x, b=b):
                return view.query[b] @ x

            p_ir, n_ir = p - p_r, n - n_r
            pairs = [(p_ir, p_r), (n_r, n_ir), (n_r, p_r), (p_ir, n_ir)]
            terms.append(sum(F.softplus(s(low) - s(high)) for low, high in pairs) / 4)
    torch.testing.assert_close(outcome.losses["gates"].detach(), 0.3 * torch.stack(terms).mean())
    torch.testing.assert_close(outcome.loss, outcome.rows.mean() + outcome.losses["gates"])


@pytest.mark.parametrize("flat", [True, False])
def test_the_gates_learn_from_their_own_loss_alone(flat):
    harness = harness_of()
    outcome = forward_of(harness, flat=flat)
    outcome.rows.mean().backward(retain_graph=True)
    assert all(p.grad is None for p in harness.minimised)
    leaves = outcome.step.view.leaves
    before = leaves.query.grad.clone()
    outcome.losses["gates"].backward()
    assert len(harness.minimised) == 8
    assert all(bool(p.grad.any()) for p in harness.minimised)
    assert not torch.equal(leaves.query.grad, before)  # the vectors learn from it too
    assert (outcome.used.vectors is None) == flat


def test_a_row_without_negatives_adds_nothing_to_the_gates_loss():
    harness = harness_of(context=saturated_context())
    outcome = forward_of(harness, flat=True)
    usable = outcome.used.mask[:, 0]
    assert 0 < int(usable.sum()) < len(usable)
    outcome.losses["gates"].backward()
    leaves = outcome.step.view.leaves
    assert bool(leaves.query.grad[usable].any(1).all()) and not bool(
        leaves.query.grad[~usable].any()
    )
    assert not bool(outcome.rows[~usable].any()) and bool(torch.isfinite(outcome.rows).all())


def test_masked_candidates_are_never_chosen():
    harness = harness_of()
    step = harness.step()
    mask = torch.zeros(28, 12, dtype=torch.bool)
    mask[:, 7] = True
    used = harness.method.stages[0].apply(
        step, Negatives(torch.arange(12).expand(28, -1), mask=mask)
    )
    assert bool((used.ids == 7).all())
    torch.testing.assert_close(used.vectors[:, 0], step.view.item_layers[7].mean(0).expand(28, -1))


def test_the_epochs_metrics_show_the_ramp_and_the_turn_to_easy_candidates():
    harness = harness_of("candidates=5,warm=10", zero=True)
    part = harness.method.stages[0]
    forward_of(harness, 1, flat=True)
    first = part.epoch_metrics()
    forward_of(harness, 11, flat=True)
    last = part.epoch_metrics()
    assert (first["dens_t"], last["dens_t"]) == (0.0, 1.0)
    assert first["dens_hardness"] > 0.5 and last["dens_hardness"] < -0.5
    assert part.epoch_metrics() == {} and harness.method.own_phase is None


def test_masked_candidates_and_rows_without_any_are_not_in_the_metric():
    harness = harness_of("candidates=12")
    step, part = step_of(harness, flat=True), harness.method.stages[0]
    mask = torch.zeros(28, 12, dtype=torch.bool)
    mask[1:, 7] = True
    part.apply(step, Negatives(torch.arange(12).expand(28, -1), mask=mask))
    assert part.epoch_metrics()["dens_hardness"] == pytest.approx(0.0, abs=1e-6)


def test_the_gates_come_from_the_runs_seed_and_survive_a_checkpoint():
    one, two = harness_of(), harness_of()
    for number in (1, 2):
        one.train(number)
    assert not torch.equal(one.minimised[0], two.minimised[0])
    two.load_state_dict(one.state_dict())
    a, b = one.train(3), two.train(3)
    assert torch.equal(a.rows, b.rows) and torch.equal(a.losses["gates"], b.losses["gates"])
    other = TrainingHarness(recipe("dens").build(), replace(one.context, seed=1))
    fresh = harness_of()
    assert not torch.equal(other.minimised[0], fresh.minimised[0])


def test_the_released_preset():
    assert config_of(dens, {"preset": "released"}, "dens") == dens.Config(6, 0.3, 100)
