"""Several processes train one model: the mean step of all, and the same weights in each."""

import pytest
import torch
from helpers.toy_data import small_context
from helpers.trained_together import BATCH, CASES, CONTEXT, LIMITS, process, teacher_step
from torch import multiprocessing

from negbench.ops import rng
from negbench.training.batches import Pairs
from negbench.training.data_parallel import ALONE, DataParallel


@pytest.fixture(scope="module", autouse=True)
def limits_come_back():
    """`fit_of` says which tables are updated by rows; other files have the limits again."""
    with pytest.MonkeyPatch.context() as patch:
        for module, names in LIMITS.items():
            for name in names:
                patch.setattr(module, name, getattr(module, name))
        yield


@pytest.fixture(scope="module")
def results(tmp_path_factory, limits_come_back):
    """Those of two processes, of which this one is the first."""
    folder = str(tmp_path_factory.mktemp("together"))
    other = multiprocessing.get_context("spawn").Process(target=process, args=(1, folder))
    other.start()
    process(0, folder)
    other.join(300)
    assert other.exitcode == 9, "it was killed, as was asked for"
    return [torch.load(f"{folder}/{rank}.pt", weights_only=True) for rank in (0, 1)]


@pytest.mark.parametrize("case", CASES)
def test_a_step_is_that_of_one_process_with_the_rows_of_all(results, case):
    shares = [each[case] for each in results]
    assert [len(share["users"]) for share in shares] == [33, 32]
    for mean in shares[1]["gradients"]:
        assert torch.isfinite(mean).all()
    for ours, theirs, alone in zip(
        *(share["gradients"] for share in shares), teacher_step(case, shares), strict=True
    ):
        assert torch.equal(ours, theirs), "the same bits"
        torch.testing.assert_close(ours, alone, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("case", CASES)
def test_the_processes_end_with_the_same_weights(results, case):
    first, second = (each[case] for each in results)
    assert first["by_rows"] == second["by_rows"] == case.endswith("by_rows")
    for key in ("whole", "resumed", "stopped", "rows", "losses"):
        assert first[key] == second[key]
    assert not torch.equal(first["ids"][:32], second["ids"]), "each draws for itself"
    assert first["rows"] == 4 * (len(CONTEXT.train) - left_out())
    assert first["resumed"] == first["whole"], "from a checkpoint of the first one, bit for bit"
    assert first["stopped"] == 3, "when the first one has waited twice, whatever others measure"


def left_out():
    last = len(CONTEXT.train) % BATCH
    return last if last < 2 else 0


def test_weights_that_differ_end_the_training_in_all_processes(results):
    for each in results:
        assert "after epoch 3 those of process 1 differ from the first one's" in each["parted"]


def test_a_process_that_fails_ends_the_others_with_its_reason(results):
    first, second = results
    reason = "PeerGone: process 1: MemoryError: no room today; broken: True"
    assert first["raises"] == reason
    assert second["raises"] == "MemoryError: no room today; broken: True"
    assert "another process of this training has ended" in first["is killed"]


@pytest.mark.parametrize("n", [2, 3, 5])
def test_the_parts_of_the_batches_are_the_batches(n):
    train = small_context().train
    whole = [(b.users, b.items) for b in Pairs(train, 16).epoch(rng.stream(0, "batches"))]
    if (last := len(train) % 16) and last < n:
        whole.pop()
    parts = [
        list(Pairs(train, 16, part=(rank, n)).epoch(rng.stream(0, "batches"))) for rank in range(n)
    ]
    assert {len(part) for part in parts} == {len(whole)}
    for (users, items), shares in zip(whole, zip(*parts, strict=True), strict=True):
        for rank, share in enumerate(shares):
            assert torch.equal(share.users, users[rank::n])
            assert torch.equal(share.items, items[rank::n])
            assert share.chunk.owns(share.users, share.start)


def test_a_single_process_exchanges_nothing():
    assert ALONE.agreed(0.1) == 0.1 and ALONE.from_first(3) == 3 and ALONE.from_all(3) == [3]
    assert ALONE.notes == [] and "2 processes" in DataParallel(0, 2).notes[0]
    judge = len
    assert ALONE.judged_by_first(judge) is judge
