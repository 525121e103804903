"""NAPO's sharing over given vectors: against loops, exact against the neighbour's prompt, masks."""

import importlib
import math
from dataclasses import replace

import pytest
import torch
from helpers.toy_data import context_of

from negbench.data.interactions import Csr
from negbench.ops import rng
from negbench.protocol.step import Batch, Epoch, Negatives, Step
from negbench.protocol.view import View

napo = importlib.import_module("negbench.methods.napo.method")


def played(config, queries, items, batch, ids, context):
    """The objective over given vectors, its copy frozen at the same ones."""
    part = napo.PreferenceLoss(config)
    part.begin(context)

    class Copy:
        def view(self, batch):
            return View(queries, items, items[batch.items])

    epoch = Epoch(1, context, items, None, View(queries, items, items).similarity, None, Copy)
    part.refresh(epoch)
    view = View(queries, items, items[batch.items])
    step = Step(batch, view, context, 1, 1, rng.stream(0, "negatives"))
    negatives = Negatives(ids)
    rows = part.rows(step, view.score_pair(view.positive), view.score_rows(ids), negatives)
    return rows, part.epoch_metrics()


G = torch.Generator().manual_seed(3)
ITEMS = torch.randn(9, 4, generator=G)
SHARE = napo.Config(sft_epochs=0, rho=1.0, margin="off", mask_false=False)


def test_one_user_repeated_shares_exactly():
    context = context_of(Csr.of([0, 0], [0, 1], n_rows=1, n_columns=9))
    batch = Batch(torch.zeros(5, dtype=torch.long), torch.tensor([0, 1, 0, 1, 1]))
    ids = torch.randint(2, 9, (5, 3), generator=G)
    queries = torch.randn(1, 4, generator=G).expand(5, -1)
    approx, metrics = played(SHARE, queries, ITEMS, batch, ids, context)
    exact, _ = played(replace(SHARE, share="exact"), queries, ITEMS, batch, ids, context)
    torch.testing.assert_close(approx, exact)
    assert metrics["share_gap"] == pytest.approx(0, abs=1e-5)


def test_the_error_of_sharing_against_a_loop():
    context = context_of(Csr.of([0, 1, 2, 3], [0, 1, 2, 3], n_rows=4, n_columns=9))
    batch = Batch(torch.arange(4), torch.arange(4))
    ids = torch.randint(4, 9, (4, 2), generator=G)
    queries = torch.randn(4, 4, generator=G)
    rows, metrics = played(SHARE, queries, ITEMS, batch, ids, context)
    log_pi = (queries @ ITEMS.T).log_softmax(1)
    gaps, losses = [], {"approx": [], "exact": []}
    for u in range(4):
        for share in losses:
            mass = 0.0
            for v in range(4):
                for n in ids[v].tolist():
                    prompt = v if share == "approx" else u
                    mass += math.exp(log_pi[prompt, n] - log_pi[u, u])
                    if share == "exact" and v != u:
                        gaps.append(abs(float(log_pi[v, n] - log_pi[u, n])))
            losses[share].append(math.log1p(mass))
    torch.testing.assert_close(rows, torch.tensor(losses["approx"]))
    assert metrics["share_gap"] == pytest.approx(sum(gaps) / len(gaps), rel=1e-4)
    for share, values in losses.items():
        assert metrics[f"loss_{share}"] == pytest.approx(sum(values) / 4, rel=1e-4)


@pytest.mark.parametrize("share", ["approx", "exact"])
def test_a_shared_item_that_the_user_met_or_likes_now_is_left_out(share):
    """Row 0 takes row 1's negatives, one of them its own history, one its positive."""
    context = context_of(Csr.of([0, 0, 1], [0, 5, 1], n_rows=2, n_columns=9))
    batch = Batch(torch.tensor([0, 1]), torch.tensor([0, 1]))
    ids = torch.tensor([[7, 8, 6], [0, 5, 4]])
    queries = torch.randn(2, 4, generator=G)
    config = replace(SHARE, mask_false=True, share=share)
    masked, _ = played(config, queries, ITEMS, batch, ids, context)
    log_pi = (queries @ ITEMS.T).log_softmax(1)
    mass = sum(math.exp(log_pi[0, n] - log_pi[0, 0]) for n in (7, 8, 6))
    mass += math.exp(log_pi[1 if share == "approx" else 0, 4] - log_pi[0, 0])
    assert float(masked[0]) == pytest.approx(math.log1p(mass), rel=1e-4)
    kept, _ = played(replace(config, mask_false=False), queries, ITEMS, batch, ids, context)
    assert float(kept[0]) > float(masked[0])
