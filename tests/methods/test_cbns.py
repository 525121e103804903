"""Cross-batch negatives: their limits are in-batch negatives, and the bank survives a kill."""

import pytest
import torch
from torch.nn.functional import cosine_similarity

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.parts.losses.functions import sampled_softmax
from negbench.protocol import Phase
from negbench.protocol.step import Batch
from negbench.testing.toy_data import TrainingHarness, batch_of
from negbench.training.forward import Outcome

USED = "cbns(bank=9,pool=5,warm_up=0)"


def harness_of(method: str = USED) -> TrainingHarness:
    return TrainingHarness(recipe(method).build())


def part(harness: TrainingHarness, start: int) -> Batch:
    """Six pairs from `start` on."""
    whole = batch_of(harness.context)
    return Batch(whole.users[start : start + 6], whole.items[start : start + 6])


def trained(harness: TrainingHarness, steps: int = 3) -> TrainingHarness:
    for number in range(1, steps + 1):
        harness.train(number, part(harness, 3 * number))
    return harness


def bank_of(harness: TrainingHarness) -> tuple[torch.Tensor, torch.Tensor]:
    (state,) = harness.state_dict()
    return state["ids"], state["vectors"]


@pytest.mark.parametrize("correction", ["standard", "exact", "marginal", "none"])
def test_without_a_bank_it_is_in_batch_bit_for_bit(correction: str) -> None:
    bare = trained(harness_of(f"cbns(bank=0,pool=5,correction={correction})"))
    same = trained(harness_of(f"in_batch(pool=5,correction={correction})"))
    a, b = bare.train(9), same.train(9)
    assert torch.equal(a.rows, b.rows)
    for one, other in zip(leaves_of(a), leaves_of(b), strict=True):
        assert torch.equal(one, other)


def leaves_of(outcome: Outcome) -> list[torch.Tensor]:
    leaves = outcome.step.view.leaves
    assert leaves is not None
    tensors = [leaves.query, leaves.positive, *(rows for _, rows in leaves.rows)]
    return [t.grad for t in tensors if t is not None and t.grad is not None]


def test_on_a_model_that_does_not_move_it_is_in_batch_with_the_banks_items_too() -> None:
    """The tables of the harness are never trained: stale vectors are those of now."""
    harness = trained(harness_of())
    bank, vectors = bank_of(harness)
    assert len(bank) == 9
    assert torch.equal(vectors, harness.tables.items.mean(1)[bank])
    outcome = harness.forward(9)
    used, view, batch = outcome.used, outcome.step.view, outcome.step.batch
    assert used.ids is not None and used.n == 5 + 9
    assert torch.equal(used.ids[5:], bank)
    p = harness.context.counts / harness.context.counts.sum()
    for b, (user, item) in enumerate(zip(batch.users.tolist(), batch.items.tolist(), strict=True)):
        own = set(harness.context.train.row(user).tolist())
        left = 1 - p[list(own)].sum()
        ids = torch.tensor([j for j in used.ids.tolist() if j not in own], dtype=torch.long)
        scores = harness.tables.items.mean(1)[ids] @ view.query[b]
        s_pos = harness.tables.items.mean(1)[item] @ view.query[b]
        want = sampled_softmax(s_pos[None], scores[None], (p[ids] / left).log()[None])
        assert torch.allclose(outcome.rows[b], want[0], atol=1e-5)


def test_the_bank_is_first_in_first_out() -> None:
    harness = harness_of()
    pools = []
    for number in range(1, 5):
        outcome = harness.train(number, part(harness, 3 * number))
        assert outcome.drawn.ids is not None
        pools.append(outcome.drawn.ids[:5])
    assert torch.equal(bank_of(harness)[0], torch.cat(pools)[-9:])


def test_no_gradient_goes_into_the_bank() -> None:
    harness = trained(harness_of())
    outcome = harness.train(9)
    leaves = outcome.step.view.leaves
    assert leaves is not None and outcome.used.ids is not None
    ((ids, rows),) = leaves.rows  # of the batch's pool alone
    assert torch.equal(ids, outcome.used.ids[:5]) and rows.grad is not None
    assert outcome.used.n_fixed == 9  # nor is one computed
    assert not bank_of(harness)[1].requires_grad


def test_the_users_items_are_hidden_in_the_bank_too() -> None:
    outcome = trained(harness_of()).forward(9)
    assert outcome.used.mask is not None and outcome.used.ids is not None
    hit = outcome.step.context.excluded.contains_shared(outcome.step.batch.users, outcome.used.ids)
    assert hit[:, 5:].any() and torch.equal(outcome.used.mask, ~hit)


def test_the_bank_survives_a_kill() -> None:
    first = trained(harness_of())
    second = harness_of()
    second.load_state_dict(first.state_dict())
    assert len(bank_of(second)[0]) == 9
    for number in (4, 5):
        a, b = (h.train(number, part(h, 2 * number)) for h in (first, second))
        assert torch.equal(a.rows, b.rows)
    fresh = harness_of().train(4, part(first, 8))
    assert fresh.used.n != 14


def test_the_age_of_the_vectors_is_logged() -> None:
    harness = trained(harness_of())
    sampler = harness.method.sampler
    metrics = sampler.epoch_metrics()  # type: ignore[attr-defined]
    assert metrics["bank_items"] == 9 and metrics["bank_cosine"] == pytest.approx(1)
    before = bank_of(harness)[1].clone()
    harness.tables.items += 1.0
    now = harness.tables.items.mean(1)[bank_of(harness)[0]]
    harness.train(5)
    metrics = sampler.epoch_metrics()  # type: ignore[attr-defined]
    want = cosine_similarity(before, now).mean().item()
    assert metrics["bank_cosine"] == pytest.approx(want, abs=1e-5) and want < 0.99
    assert "bank_cosine" not in sampler.epoch_metrics()  # type: ignore[attr-defined]


def test_the_bank_is_used_after_the_warm_up() -> None:
    harness = trained(harness_of("cbns(bank=9,pool=5,warm_up=1)"))
    assert len(bank_of(harness)[0]) == 9
    assert harness.forward(9).used.n == 5
    assert harness.method.own_phase == Phase("memory bank", 2)
    assert harness_of("cbns(bank=0)").method.own_phase is None


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(UserError, match="`bank` must be at least 0; got -1"):
        recipe("cbns(bank=-1)")
