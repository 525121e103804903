"""MDCNS: its choice and its losses in a loop, and DNS as its limit without a second model."""

import importlib
from dataclasses import replace
from math import exp, log

import pytest
import torch
from torch import Tensor

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.plugins.term_syntax import Term, config_of
from negbench.testing import CHECKS, conforms
from negbench.testing.toy_data import TrainingHarness, default_context, saturated_context
from negbench.training.forward import Outcome

mdcns = importlib.import_module("negbench.methods.mdcns")


def outcome(method: str, number: int = 1, objective: str | None = None) -> Outcome:
    asked = recipe(method)
    if objective:
        asked = replace(asked, objective=Term(objective))
    return TrainingHarness(asked.build()).forward(number)


def peer_scores(result: Outcome, peer: torch.nn.Module) -> tuple[Tensor, Tensor]:
    """The peer's scores of each row's positive and of its candidates."""
    assert result.drawn.ids is not None
    return peer.scores(result.step, result.drawn.ids)


def own_scores(result: Outcome) -> Tensor:
    return result.step.score(result.drawn).detach()


def softplus(x: float) -> float:
    return log(1 + exp(x))


@pytest.mark.parametrize("number", [1, 2, 3])
def test_without_a_second_model_the_best_scored_is_that_of_dns(number: int) -> None:
    alone = outcome("mdcns(peer=self,candidates=9,w_both=2,w_self=0)", number)
    dns = outcome("dns(candidates=9)", number, "bce")
    assert alone.used.ids is not None and dns.used.ids is not None
    assert torch.equal(alone.used.ids, dns.used.ids.expand(-1, 3))
    assert torch.allclose(alone.rows, dns.rows) and not alone.losses


def test_without_a_second_model_it_is_dns_mn_in_expectation() -> None:
    draws = [outcome("mdcns(peer=self,candidates=6,top=3)", n) for n in range(300)]
    means = [outcome("dns_mn(candidates=6,top=3,keep=all)", n, "bce") for n in range(300)]
    some, every = (torch.stack([o.rows.detach() for o in got]) for got in (draws, means))
    error = (some - every).std(0) / 300**0.5
    assert bool(((some - every).mean(0).abs() <= 4 * error + 1e-6).all())


def test_a_peer_that_scores_as_the_backbone_leaves_no_divergence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def same(self: torch.nn.Module, step, ids):
        del self
        view = step.view
        return view.score_pair(view.positive).detach(), view.score_rows(ids).detach()

    monkeypatch.setattr(mdcns.Peer, "scores", same)
    twin, alone = outcome("mdcns(candidates=9)"), outcome("mdcns(candidates=9,peer=self)")
    assert torch.allclose(twin.rows, alone.rows)
    assert float(twin.losses["distil"].detach().abs()) < 1e-6
    assert float(twin.losses["peer_distil"].detach().abs()) < 1e-6
    assert torch.allclose(twin.losses["peer"], twin.rows.mean())


@pytest.mark.parametrize("number", [1, 2])
def test_it_is_its_formula_in_a_loop(number: int) -> None:
    b, w, c, tau = 0.6, (0.5, 2.0, 3.0), 1.7, 0.7
    method = recipe(
        f"mdcns(candidates=7,divergence={b},w_self={w[0]},w_peer={w[1]},w_both={w[2]},"
        f"distil={c},tau={tau})"
    ).build()
    result = TrainingHarness(method).forward(number)
    peer = method.stages[0].peer
    p_pos, p = (each.detach() for each in peer_scores(result, peer))
    s, s_pos = own_scores(result), result.s_pos.detach()
    losses = dict.fromkeys(("peer", "distil", "peer_distil"), 0.0)
    for row in range(len(s)):
        own, theirs = s[row].tolist(), p[row].tolist()
        places = [
            max(range(7), key=lambda j, z=z: z[j] + b * abs(own[j] - theirs[j]))
            for z in (own, theirs, [(x + y) / 2 for x, y in zip(own, theirs, strict=True)])
        ]
        assert result.used.ids is not None and result.drawn.ids is not None
        assert result.used.ids[row].tolist() == result.drawn.ids[row, places].tolist()
        mine = softplus(-float(s_pos[row])) + sum(
            share * softplus(own[j]) for share, j in zip(w, places, strict=True)
        ) / sum(w)
        assert result.rows[row].item() == pytest.approx(mine, rel=1e-5)
        exchanged = (w[1], w[0], w[2])
        losses["peer"] += softplus(-float(p_pos[row])) + sum(
            share * softplus(theirs[j]) for share, j in zip(exchanged, places, strict=True)
        ) / sum(w)
        laws = []
        of_row = [[float(s_pos[row]), *own], [float(p_pos[row]), *theirs]]
        for scores in (*of_row, [(x + y) / 2 for x, y in zip(*of_row, strict=True)]):
            total = sum(exp(x / tau) for x in scores)
            laws.append([exp(x / tau) / total for x in scores])
        for name, law in zip(("distil", "peer_distil"), laws, strict=False):
            apart = sum(t * log(t / q) for t, q in zip(laws[2], law, strict=True))
            losses[name] += c * tau**2 * apart
    for name, total in losses.items():
        assert result.losses[name].item() == pytest.approx(total / len(s), rel=1e-4), name


def chosen(own: list[float], theirs: list[float], keep: list[bool] | None = None) -> list[int]:
    """The columns that are chosen of one row by s, by p and by both, with b = 1."""
    stage = mdcns.TwoModels(mdcns.Config(candidates=9))
    mask = None if keep is None else torch.tensor([keep])
    step = TrainingHarness(recipe("random").build()).step()
    at: list[int] = stage.choose(step, torch.tensor([own]), torch.tensor([theirs]), mask)[
        0
    ].tolist()
    return at


def test_the_teacher_is_the_mean_of_both_and_not_their_sum() -> None:
    """Of 3 and 3, and 2.5 and .5: 3 against 1.5 + 2 by the mean, 6 against 3 + 2 by the sum."""
    assert chosen([3.0, 2.5], [3.0, 0.5]) == [1, 0, 1]


def test_the_best_scored_is_passed_over_where_it_is_masked() -> None:
    own, theirs = [9.0, 1.0, 0.0], [0.0, 0.5, 2.0]
    assert chosen(own, theirs) == [0, 0, 0]
    assert chosen(own, theirs, [False, True, True]) == [2, 2, 2]


def test_disagreement_comes_first_where_it_weighs_most() -> None:
    method = recipe("mdcns(candidates=9,divergence=1e6)").build()
    result = TrainingHarness(method).forward()
    _, p = peer_scores(result, method.stages[0].peer)
    widest = (own_scores(result) - p).abs().argmax(1, keepdim=True)
    assert result.drawn.ids is not None and result.used.ids is not None
    assert torch.equal(result.used.ids, result.drawn.ids.gather(1, widest).expand(-1, 3))


def test_neither_model_gives_the_other_a_gradient() -> None:
    method = recipe("mdcns(candidates=9)").build()
    result = TrainingHarness(method).forward()
    peer, leaves = method.stages[0].peer, result.step.view.leaves
    assert leaves is not None and leaves.query is not None and leaves.positive is not None
    for name in ("peer", "peer_distil"):
        torch.autograd.backward(result.losses[name], retain_graph=True)
        assert leaves.query.grad is None and leaves.positive.grad is None, name
        assert peer.users.grad is not None and bool((peer.items.grad != 0).any()), name
        peer.zero_grad()
    for loss in (result.losses["distil"], result.rows.mean()):
        torch.autograd.backward(loss, retain_graph=True)
        assert bool((leaves.query.grad != 0).any()) and bool((leaves.positive.grad != 0).any())
        assert peer.users.grad is None and peer.items.grad is None
        leaves.query.grad = leaves.positive.grad = None


def test_the_slope_of_the_divergence_is_the_difference_of_the_laws() -> None:
    """T (softmax(s / T) - t), and none to the teacher; a constant on all scores is nothing."""
    torch.manual_seed(0)
    s, t = (torch.randn(4, 5, dtype=torch.double, requires_grad=True) for _ in range(2))
    rows = mdcns.divergence_from(t, s, 2.0, None)
    torch.autograd.backward(rows.sum())
    want = 2.0 * ((s / 2).softmax(1) - (t / 2).softmax(1))
    assert t.grad is None and s.grad is not None
    torch.testing.assert_close(s.grad, want.detach())
    torch.testing.assert_close(mdcns.divergence_from(t + 7, s - 3, 2.0, None), rows)
    assert bool((rows > 0).all()) and mdcns.divergence_from(s, s, 2.0, None).max().item() < 1e-12


def test_masked_candidates_are_never_chosen_and_have_no_part() -> None:
    method = recipe("mdcns(candidates=9,top=2)").build()
    result = TrainingHarness(method, saturated_context()).forward()
    full = result.step.batch.users == 3  # a user of every item
    assert result.used.mask is not None and result.used.ids is not None
    assert bool(result.used.mask[~full].all()) and not bool(result.used.mask[full].any())
    met = result.step.context.excluded.contains(result.step.batch.users, result.used.ids)
    assert not bool(met[~full].any())
    torch.autograd.backward(result.loss)
    assert bool(result.loss.isfinite()) and bool(result.rows.isfinite().all())
    mask = torch.tensor([[True, True, False, True]])
    t, s = torch.randn(1, 4), torch.randn(1, 4)
    torch.testing.assert_close(
        mdcns.divergence_from(t, s, 1.0, mask),
        mdcns.divergence_from(t[mask][None], s[mask][None], 1.0, None),
    )


def test_the_order_of_the_candidates_does_not_count() -> None:
    method = recipe("mdcns(candidates=9)").build()
    result = TrainingHarness(method).forward()
    turned = result.drawn.take(torch.arange(9).flip(0).expand(len(result.rows), -1))
    again = method.stages[0].apply(result.step, turned)
    assert result.used.ids is not None and again.ids is not None
    assert torch.equal(result.used.ids, again.ids)
    for name, loss in again.losses.items():
        torch.testing.assert_close(loss, result.losses[name])


def test_the_peer_learns_what_the_train_pairs_are() -> None:
    method = recipe("mdcns(candidates=9,distil=0)").build()
    harness = TrainingHarness(method, lr=1.0)
    losses = [float(harness.train(number).losses["peer"].detach()) for number in range(1, 61)]
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])
    metrics = method.stages[0].epoch_metrics()
    assert metrics["disagreement"] > 0 and 0 <= metrics["same_choice"] <= 1


def test_the_peer_is_scored_as_the_backbone_is() -> None:
    from negbench.protocol import Similarity

    method = recipe("mdcns(candidates=9)").build()
    result = TrainingHarness(method, kind=Similarity("cosine", 0.5)).forward()
    _, p = peer_scores(result, method.stages[0].peer)
    assert float(p.detach().abs().max()) <= 2.0 + 1e-5  # 1 / T


@pytest.mark.parametrize(
    "method", ["mdcns(top=3,candidates=9)", "mdcns(peer=self)", "mdcns(distil=0,w_self=0)"]
)
@pytest.mark.parametrize("check", CHECKS)
def test_other_settings_conform(method: str, check: str) -> None:
    conforms(method, check)


def test_the_released_settings() -> None:
    config = config_of(mdcns, {"preset": "released"}, "mdcns")
    assert (config.candidates, config.top, config.divergence, config.tau) == (100, 1, 1.0, 1.0)
    assert (config.w_self, config.w_peer, config.w_both) == (1.0, 1.0, 3.5)
    assert config.distil == pytest.approx(0.01 * 1024 / 5.5, rel=1e-2)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ("top=5,candidates=4", "`top` must be from 1 to `candidates`; got 5 of 4"),
        ("w_self=0,w_peer=0,w_both=0", "one of `w_self`, `w_peer` and `w_both` must be above 0"),
        ("tau=0", "`tau` must be above 0"),
        ("divergence=-1", "`divergence` must be at least 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        recipe(f"mdcns({settings})")


def test_a_width_of_its_own_needs_none_of_the_backbone() -> None:
    unknown = replace(default_context(), width=0)
    with pytest.raises(UserError, match="dim=D"):
        TrainingHarness(recipe("mdcns").build(), unknown)
    TrainingHarness(recipe("mdcns(width=4)").build(), unknown).train()


@pytest.mark.parametrize("tau", [0.01, 0.1, 10.0])
def test_masked_candidates_leave_the_divergence_finite_at_any_temperature(tau: float) -> None:
    result = outcome(f"in_batch+mdcns(tau={tau})")
    assert result.used.mask is not None and not bool(result.used.mask.all())
    assert all(bool(loss.detach().isfinite()) for loss in result.losses.values())
