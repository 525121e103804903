"""DNS(M, N): its limits, the partial area that it estimates, and the sums of the released code."""

import importlib

import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.plugins.term_syntax import config_of
from negbench.protocol.step import Negatives
from negbench.testing import CHECKS, conforms
from negbench.testing.toy_data import TrainingHarness
from negbench.training.forward import Outcome


def outcome(method: str, number: int = 1) -> Outcome:
    return TrainingHarness(recipe(method).build()).forward(number)


@pytest.mark.parametrize("keep", ["one", "all"])
def test_top_1_is_dns(keep: str) -> None:
    a, b = outcome(f"dns_mn(candidates=9,top=1,keep={keep})"), outcome("dns(candidates=9)")
    assert torch.equal(a.rows, b.rows)


def test_all_of_all_is_the_mean_over_random() -> None:
    a, b = outcome("dns_mn(candidates=9,top=9,keep=all)"), outcome("random(negatives=9)")
    assert torch.allclose(a.rows, b.rows)


def test_one_of_the_top_is_the_mean_over_them_in_expectation() -> None:
    draws = [outcome("dns_mn(candidates=6,top=3)", n) for n in range(300)]
    means = [outcome("dns_mn(candidates=6,top=3,keep=all)", n) for n in range(300)]
    one, every = (torch.stack([o.rows.detach() for o in got]) for got in (draws, means))
    error = (one - every).std(0) / 300**0.5
    assert bool(((one - every).mean(0).abs() <= 4 * error + 1e-6).all())


def test_it_is_the_partial_area_at_m_over_n() -> None:
    """With all items as candidates, the rows are BPR over the hardest M / N of them."""
    result = outcome("dns_mn(candidates=4000,top=1000,keep=all)")
    scores = result.step.view.score_shared(torch.arange(12))
    for b, user in enumerate(result.step.batch.users.tolist()):
        free = [i for i in range(12) if i not in result.step.context.train.row(user)]
        cut = scores[b, free].sort(descending=True).values
        share, want, left = 1 / len(free), torch.zeros(()), 0.25
        for s in cut:
            part = min(share, left)
            want = want + part / 0.25 * torch.nn.functional.softplus(s - result.s_pos[b])
            left -= part
        assert result.rows[b].item() == pytest.approx(want.item(), abs=0.12)


def test_a_top_beyond_the_candidates_is_refused() -> None:
    with pytest.raises(UserError, match="`top` must be from 1 to `candidates`; got 5 of 4"):
        recipe("dns_mn(candidates=4,top=5)")


def test_the_released_sum_is_m_times_b_the_mean_value_and_gradient() -> None:
    results = [
        outcome(f"dns_mn(candidates=9,top=3,keep=all,reduction={r})") for r in ("mean", "sum")
    ]
    mean, total = results
    factor = 3 * len(total.rows)
    assert torch.allclose(total.rows, factor * mean.rows)
    for each in results:
        each.loss.backward()
    gradients = []
    for each in results:
        leaves = each.step.view.leaves
        assert leaves is not None and leaves.query is not None and leaves.query.grad is not None
        gradients.append(leaves.query.grad)
    assert torch.allclose(gradients[1], factor * gradients[0], rtol=1e-4, atol=1e-5)


def test_the_sum_in_a_loop_leaves_out_what_is_masked() -> None:
    method = recipe("dns_mn(candidates=9,top=3,keep=all,reduction=sum)").build()
    step = TrainingHarness(method).step()
    n = len(step.batch)
    s_pos, s_neg = torch.randn(n), torch.randn(n, 3)
    mask = torch.rand(n, 3) < 0.6
    mask[0] = False
    ids = torch.zeros(n, 3, dtype=torch.long)
    rows = method.objective.rows(step, s_pos, s_neg, Negatives(ids, mask=mask))
    for b in range(n):
        want = sum(
            float(torch.nn.functional.softplus(s_neg[b, j] - s_pos[b]))
            for j in range(3)
            if mask[b, j]
        )
        assert rows[b].item() == pytest.approx(n * want, rel=1e-5, abs=1e-6)
    assert rows[0] == 0


@pytest.mark.parametrize("check", CHECKS)
def test_the_released_form_conforms(check: str) -> None:
    conforms("dns_mn(preset=released,candidates=9)", check)


def test_the_released_settings() -> None:
    module = importlib.import_module("negbench.methods.dns_mn")
    config = config_of(module, {"preset": "released"}, "dns_mn")
    assert (config.candidates, config.keep, config.reduction) == (200, "all", "sum")
    over = config_of(module, {"preset": "released", "top": 20}, "dns_mn")
    assert (over.candidates, over.top) == (200, 20)
