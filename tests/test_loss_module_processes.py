"""`negbench.attach` in a distributed training: one seed, draws of each process's own."""

import pytest
import torch
from helpers.own_loop import ITEMS, USERS, Stranger
from helpers.two_processes import POSITIVES, Both, U, process, results
from torch import multiprocessing

import negbench
from negbench.errors import UserError
from negbench.loss_module import attach


def test_two_processes_average_the_gradients_of_two_halves(tmp_path):
    other = multiprocessing.get_context("spawn").Process(target=process, args=(1, str(tmp_path)))
    other.start()
    process(0, str(tmp_path))
    other.join()
    assert other.exitcode == 0
    actual = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in (0, 1)]
    alone = [Both(rank=rank, epoch_rows=60) for rank in (0, 1)]
    expected = [results(both, both, rank) for rank, both in enumerate(alone)]
    assert not torch.equal(actual[0]["ids"], actual[1]["ids"])
    for a, e in zip(actual, expected, strict=True):
        assert torch.equal(a["ids"], e["ids"]) and a["rows"] == 60
        for name, begun in expected[0]["begun"].items():
            assert torch.equal(a["begun"][name], begun), "all begin alike"
            mean = sum(each["gradients"][name] for each in expected) / 2
            torch.testing.assert_close(a["gradients"][name], mean, rtol=1e-5, atol=1e-7)
    assert any(name.startswith("loss.maximised") for name in expected[0]["begun"])


def stepped(rank, state=None, method="random"):
    """A loss after a step, begun from a state, and what it drew."""
    loss, model = attach(method, USERS, ITEMS, n_items=40, rank=rank), Stranger()
    if state is not None:
        loss.load_state_dict(state)
    loss(model.user(U), model.item.weight, U, POSITIVES)
    return loss, loss.outcome.drawn.ids


def test_rank_0_draws_as_a_single_process_and_each_other_for_itself():
    assert torch.equal(stepped(0)[1], stepped(None)[1])
    ids = [stepped(rank)[1] for rank in range(4)]
    shared = [(ids[a] == ids[b]).float().mean() for a in range(4) for b in range(a)]
    assert max(shared) < 0.15, "as often as chance has it, one in 36 or so"
    draws = [negbench.sampler("random", USERS, ITEMS, n_items=40, rank=r)(U).ids for r in (0, 1, 1)]
    assert torch.equal(draws[1], draws[2]) and not torch.equal(draws[0], draws[1])
    with pytest.raises(UserError, match="`rank` must be at least 0; got -1"):
        stepped(-1)


def test_an_evaluation_draws_for_each_rank():
    model, values = Stranger(), []
    for rank in (0, 1, 1):
        loss = attach("random", USERS, ITEMS, n_items=40, rank=rank).eval()
        values.append(loss(model.user(U), model.item.weight, U, POSITIVES).item())
    assert values[0] != values[1] == values[2]


def test_a_state_of_rank_0_gives_every_rank_draws_of_its_own():
    """Often rank 0 alone writes a checkpoint; its generator would make all processes draw alike."""
    saved = stepped(0)[0].state_dict()
    ids = [stepped(rank, saved)[1] for rank in (0, 1, 2)]
    assert not any(torch.equal(ids[a], ids[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
    draws = [negbench.sampler("random", USERS, ITEMS, n_items=40, rank=r) for r in (0, 1)]
    draws[0](U)
    draws[1].load_state_dict(draws[0].state_dict())
    assert draws[1].number == 1 and not torch.equal(draws[0](U).ids, draws[1](U).ids)
    own = stepped(1)[0].state_dict()
    loss, model = attach("random", USERS, ITEMS, n_items=40, rank=1), Stranger()
    for _ in range(2):
        loss(model.user(U), model.item.weight, U, POSITIVES)
    assert torch.equal(stepped(1, own)[1], loss.outcome.drawn.ids), "bit for bit from its own"
