"""k-OS: which positive is chosen, and where it is WARP."""

import pytest
import torch
from scipy import stats

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.methods import kos
from negbench.methods.kos import OrderedPositive
from negbench.plugins.term_syntax import config_of
from negbench.protocol import Batch
from negbench.testing.toy_data import TrainingHarness, toy_context


def harness_of(method: str) -> TrainingHarness:
    return TrainingHarness(recipe(method).build())


def positives_of(harness: TrainingHarness) -> OrderedPositive:
    assert isinstance(harness.method.transform, OrderedPositive)
    return harness.method.transform


def test_one_positive_of_one_is_warp_bit_for_bit() -> None:
    a = harness_of("kos(positives=1,place=1,tries=6)").train()
    b = harness_of("warp(tries=6)").train()
    assert torch.equal(a.rows, b.rows) and bool(a.rows.any())


def test_users_with_one_item_have_the_loss_of_warp() -> None:
    context = toy_context([[0], [1], [2], [3]], 9)
    harness = TrainingHarness(recipe("kos(tries=50)").build(), context)
    outcome = harness.forward()
    assert torch.equal(positives_of(harness).chosen(harness.step()), harness.step().batch.items)
    plain = TrainingHarness(recipe("warp(tries=50)").build(), context).forward()
    assert torch.equal(outcome.s_pos, plain.s_pos)


def test_against_a_loop() -> None:
    harness = harness_of("kos(positives=7,place=3)")
    step = harness.step()
    drawn = positives_of(harness).drawn(step)
    chosen = positives_of(harness).chosen(harness.step())
    for b, user in enumerate(step.batch.users.tolist()):
        own = harness.context.train.row(user).tolist()
        assert drawn[b, 0] == step.batch.items[b] and set(drawn[b].tolist()) <= set(own)
        scores = [
            float(step.view.query[b].detach() @ step.view.items[i]) for i in drawn[b].tolist()
        ]
        want = sorted(scores, reverse=True)[2]
        assert float(step.view.query[b].detach() @ step.view.items[chosen[b]]) == pytest.approx(
            want
        )


def test_the_first_place_is_above_the_last() -> None:
    best, worst = (
        harness_of(f"kos(positives=10,place={place})").forward().s_pos for place in (1, 10)
    )
    assert bool((best >= worst).all()) and bool((best > worst).any())


def test_positives_are_drawn_evenly() -> None:
    harness = harness_of("kos(positives=4001,place=1)")
    drawn = positives_of(harness).drawn(harness.step())
    own = harness.context.train.row(2).tolist()
    row = harness.step().batch.users.tolist().index(2)
    counts = torch.bincount(drawn[row, 1:], minlength=12)
    assert counts[own].sum() == 4000
    assert stats.chisquare(counts[own].numpy()).pvalue > 1e-3


def test_the_item_that_plays_the_positive_has_the_gradient() -> None:
    harness = harness_of("kos(positives=5,place=5,margin=100)")
    outcome = harness.train()
    leaves = outcome.step.view.leaves
    chosen = positives_of(harness).chosen(harness.step())
    assert leaves is not None and leaves.positive is not None and leaves.positive.grad is not None
    ids, rows = leaves.rows[0]
    assert torch.equal(ids, chosen) and rows.grad is not None
    own = chosen == outcome.step.batch.items
    assert bool(own.any()) and bool((~own).any())
    assert not leaves.positive.grad[~own].any() and not rows.grad[own].any()
    assert bool(rows.grad[~own].any(1).all())


def test_in_ranking_the_view_is_the_backbones() -> None:
    harness = harness_of("kos")
    step = harness.step()
    assert positives_of(harness).view(type(step)(**{**vars(step), "training": False})) is step.view


def test_the_released_preset() -> None:
    config = config_of(kos, {"preset": "released"}, "kos")
    assert config == kos.Config(positives=10, place=5, tries=10, margin=1.0, cap=10.0)


def test_a_place_beyond_the_positives_is_refused() -> None:
    with pytest.raises(UserError, match="`place` must be from 1 to `positives`; got 5 of 4"):
        recipe("kos(positives=4)")


def test_a_user_without_train_items_has_the_rows_own_positive() -> None:
    """As in a loop of the user's own, whose pairs need not be train pairs."""
    harness = TrainingHarness(recipe("kos").build(), toy_context([[0, 1], [], [2]], 9))
    step = harness.step(batch=Batch(torch.tensor([1, 0]), torch.tensor([7, 0])))
    drawn = positives_of(harness).drawn(step)
    assert drawn[0].tolist() == [7] * 10 and set(drawn[1].tolist()) <= {0, 1}
