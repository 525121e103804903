"""Negatives of whole sequences: which rows share them, and what is hidden from each."""

import pytest
import torch
from torch import Tensor

from negbench.composition import recipe
from negbench.parts.sampling.per_sequence import sequences_of
from negbench.protocol.step import Batch, Negatives
from negbench.testing.toy_data import TrainingHarness, batch_of, toy_context

WHOLE = toy_context([[0, 1, 2], [3, 4], [5, 6, 7, 8]], 40)


def histories() -> Batch:
    """Three histories as a sequence backbone is fed: 2, 1 and 3 rows of width 3."""
    inputs = torch.tensor([[0, 1, 40], [3, 40, 40], [5, 6, 7]])
    users, items = torch.tensor([0, 0, 1, 2, 2, 2]), torch.tensor([1, 2, 4, 6, 7, 8])
    return Batch(users, items, inputs, torch.tensor([0, 1, 3, 6, 7, 8]))


def drawn(method: str, batch: Batch | None = None, number: int = 1) -> Negatives:
    harness = TrainingHarness(recipe(method).build(), WHOLE)
    return harness.method.sampler.sample(harness.step(number, batch or histories()))


def ids_of(negatives: Negatives) -> Tensor:
    assert negatives.ids is not None
    return negatives.ids


def test_the_sequences_of_a_batch() -> None:
    at, users = sequences_of(histories())
    assert at.tolist() == [0, 0, 1, 2, 2, 2] and users.tolist() == [0, 1, 2]
    pairs = batch_of(WHOLE)
    at, users = sequences_of(pairs)
    assert at.tolist() == list(range(len(pairs))) and users is pairs.users


@pytest.mark.parametrize(
    "method",
    [
        "random(negatives=9,shared=sequence)",
        "popularity(negatives=9,shared=sequence)",
        "in_batch(pool=3,pool_of=sequence)",
        "mixed(pool=2,uniform=5,pool_of=sequence,hide=batch)",
    ],
)
def test_the_rows_of_a_sequence_share_one_set_and_no_others(method: str) -> None:
    got = drawn(method)
    ids = ids_of(got)
    assert got.logq is not None and got.logq.shape == ids.shape
    assert torch.equal(ids[0], ids[1]) and torch.equal(ids[3], ids[5])
    assert not torch.equal(ids[0], ids[2]) and not torch.equal(ids[2], ids[3])


@pytest.mark.parametrize("name", ["random", "popularity"])
def test_on_pairs_a_shared_draw_is_each_rows_own(name: str) -> None:
    pairs = batch_of(WHOLE)
    own = drawn(f"{name}(negatives=4)", pairs)
    shared = drawn(f"{name}(negatives=4,shared=sequence)", pairs)
    assert torch.equal(ids_of(own), ids_of(shared))


def test_a_sequence_draws_the_others_targets_without_replacement() -> None:
    """User 0's targets are 1 and 2: the others' 4, 6, 7, 8 are left, each at most once."""
    got = drawn("in_batch(pool=6,pool_of=sequence,hide=batch)")
    assert got.mask is not None
    of_first = ids_of(got)[0][got.mask[0]].sort().values
    assert of_first.tolist() == [4, 6, 7, 8]
    assert got.mask.sum(1).tolist() == [4, 4, 5, 3, 3, 3]


def test_hiding_the_batch_alone_leaves_older_items_of_the_history() -> None:
    """Item 0 is user 0's first, no target: `batch` may draw it, `excluded` may not."""
    seen = {"batch": False, "excluded": False}
    for hide in seen:
        for number in range(40):
            got = drawn(f"mixed(pool=1,uniform=20,pool_of=sequence,hide={hide})", number=number)
            assert got.mask is not None
            seen[hide] |= bool((ids_of(got)[0][got.mask[0]] == 0).any())
            assert not torch.isin(ids_of(got)[0][got.mask[0]], torch.tensor([1, 2])).any()
    assert seen == {"batch": True, "excluded": False}


@pytest.mark.parametrize("hide", ["batch", "excluded"])
def test_sequences_are_looked_at_in_blocks(monkeypatch: pytest.MonkeyPatch, hide: str) -> None:
    method = f"in_batch(pool=4,pool_of=sequence,hide={hide})"
    whole = drawn(method)
    monkeypatch.setattr("negbench.parts.sampling.shared_pool.BLOCK", 1)
    assert torch.equal(ids_of(whole), ids_of(drawn(method)))


def test_the_law_of_a_pool_shared_by_the_batch_when_the_batch_alone_is_hidden() -> None:
    """1 / q of what is allowed, by the shares of the draws: the allowed popularity sums to 1."""
    got = drawn("in_batch(pool=6,hide=batch)")
    assert got.shared and got.logq is not None
    p = WHOLE.counts.double() / WHOLE.counts.sum()
    for row, own in ((0, [1, 2]), (2, [4]), (5, [6, 7, 8])):
        want = (p[ids_of(got)] / (1 - p[own].sum())).float()
        assert torch.allclose(got.logq[row].exp(), want)
