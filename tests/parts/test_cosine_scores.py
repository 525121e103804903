"""Angular: cosines in training and in ranking, or the backbone's own scores untouched."""

from dataclasses import replace

import pytest
import torch
from helpers.toy_data import small_context

from negbench.backbones import mf
from negbench.evaluation.model_scorer import ModelScorer
from negbench.ops import rng
from negbench.parts.cosine_scores import Angular
from negbench.protocol.step import Batch, Step

CONTEXT = small_context()
CONFIG = mf.Config(dim=4, similarity="dot", temperature=3.0)
BATCH = Batch(torch.tensor([0, 1, 2]), torch.tensor([5, 6, 7]))


@pytest.fixture
def step():
    backbone = mf.build(CONFIG, CONTEXT, rng.stream(0, "init"))
    view = backbone.view(BATCH, rng.stream(0, "backbone"))
    return Step(BATCH, view, CONTEXT, 1, 1, rng.stream(0, "negatives"))


def cosine(a, b):
    return float(a @ b / a.norm() / b.norm())


def test_scores_are_cosines_whatever_the_backbone_says(step):
    view, ids = Angular().view(step), torch.tensor([[1, 2, 3, 4, 8, 9]] * 3)
    assert step.view.similarity.kind == "dot"
    by_hand = [[cosine(q, step.view.items[i]) for i in range(30)] for q in step.view.query.detach()]
    expected = torch.tensor(by_hand)
    torch.testing.assert_close(view.score_rows(ids), expected.gather(1, ids))
    torch.testing.assert_close(view.score_rows(ids[:, :2]), expected[:, 1:3])
    torch.testing.assert_close(view.score_shared(ids[0]), expected[:, ids[0]])
    torch.testing.assert_close(view.score_pair(view.positive), expected[range(3), BATCH.items])


def test_many_and_few_negatives_have_the_same_gradients(step):
    ids = torch.tensor([[1, 2, 3, 4, 8, 9]] * 3)
    grads = []
    for blocks in ([ids], ids.split(2, 1)):
        fresh = replace(step.view, query=step.view.query.detach().requires_grad_())
        view = Angular().view(replace(step, view=fresh))
        items = step.view.items.detach()
        vectors = [items[block].clone().requires_grad_() for block in blocks]
        sum(view.score_rows(v).square().sum() for v in vectors).backward()
        grads.append((torch.cat([v.grad for v in vectors], 1), fresh.query.grad))
    torch.testing.assert_close(*grads)


def test_what_is_trained_is_what_ranks(step):
    backbone = mf.build(CONFIG, CONTEXT, rng.stream(0, "init"))
    ranked = ModelScorer.of(backbone, CONTEXT, CONTEXT.train, Angular()).scores(BATCH.users)
    every = torch.arange(CONTEXT.n_items).expand(3, -1)
    torch.testing.assert_close(ranked, Angular().view(step).score_rows(every).detach())
    assert ranked.abs().max() <= 1 + 1e-6


def test_the_backbones_own_scores_stay(step):
    assert Angular("backbone").view(step) is step.view
