"""A backbone that scores by a network: it trains, and ranks, by that or not at all."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from helpers.backbone_steps import assert_same, gradients
from helpers.toy_data import small_context

from negbench.backbones import mf
from negbench.composition import recipe
from negbench.errors import UserError
from negbench.evaluation import model_scorer
from negbench.evaluation.model_scorer import ModelScorer
from negbench.ops import rng
from negbench.protocol.view import Similarity, View
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit

CONTEXT = small_context()
CONFIG = mf.Config(dim=4, l2=0.0, lr=0.05, batch_size=64)


class NeuMF(mf.MF):
    """A network over the vectors of a user and an item, beside their product."""

    def __init__(self, config, context, generator):
        super().__init__(config, context, generator)
        weight = torch.randn(8, 3, generator=generator)
        self.first, self.last = torch.nn.Parameter(weight), torch.nn.Parameter(torch.ones(3))
        self.similarity = Similarity("own", score=self.score)

    def score(self, query, items):
        pair = torch.cat(torch.broadcast_tensors(query, items), -1)
        return (pair @ self.first).tanh() @ self.last + (query * items).sum(-1)


class ByUsers(NeuMF):
    """The same, ranked by a function of user ids."""

    def encode(self, history):
        vectors = super().encode(history)

        def score(users):
            return self.score(vectors.query(users).unsqueeze(1), vectors.items)

        return replace(vectors, similarity=Similarity(), score=score)


class Forgets(NeuMF):
    """It would be ranked by products."""

    def encode(self, history):
        return replace(super().encode(history), similarity=Similarity())


class OwnView(View):
    """A view that scores in its own way."""

    def score_rows(self, what, *, penalised=False):
        return -super().score_rows(what, penalised=penalised)


class ForgetsByItsView(mf.MF):
    """Likewise, from a backbone whose view overrides a score."""

    def view(self, batch, generator, *, cut=True):
        view = super().view(batch, generator, cut=cut)
        return OwnView(**vars(view))


def fit_of(backbone, method="dns(candidates=6)"):
    model = backbone(CONFIG, CONTEXT, rng.stream(0, "init"))
    return Fit(recipe(method).build(), model, CONTEXT, TrainConfig(epochs=3))


@pytest.mark.parametrize("backbone", [NeuMF, ByUsers])
def test_it_trains_and_ranks_by_its_own_score(backbone, monkeypatch):
    fit = fit_of(backbone)
    losses = [row["loss"] for row in fit.run().rows]
    assert losses[-1] < losses[0] and fit.backbone.last.grad.any()
    users = torch.tensor([3, 0, 7])
    table = fit.backbone.table.detach()
    expected = torch.stack(
        [fit.backbone.score(table[users], item) for item in table[CONTEXT.n_users :]], 1
    ).detach()
    monkeypatch.setattr(model_scorer, "BLOCK", 7 * 12)  # so that items come in several blocks
    scorer = ModelScorer.of(fit.backbone, CONTEXT, CONTEXT.train)
    torch.testing.assert_close(scorer.scores(users), expected)
    into = torch.empty_like(expected)
    assert scorer.scores_into(users, into) is into
    torch.testing.assert_close(into, expected)


@pytest.mark.parametrize("kind", ["four", "many", "shared"])
def test_the_cut_gives_the_gradient_of_autograd(kind):
    module = SimpleNamespace(build=NeuMF)
    cut, plain = (gradients(module, CONFIG, CONTEXT, kind, cut=cut) for cut in (True, False))
    assert_same(cut, plain)


@pytest.mark.parametrize("backbone", [Forgets, ForgetsByItsView])
def test_a_ranking_by_another_score_is_refused(backbone):
    fit = fit_of(backbone)
    before = fit.backbone.table.detach().clone()
    with pytest.raises(UserError, match=f"{backbone.__name__} trains by a score of its own"):
        fit.run()
    assert torch.equal(fit.backbone.table, before)


@pytest.mark.parametrize("method", ["enmf", "bns", "lambda_loss", "aobpr", "adar"])
def test_a_method_of_products_is_refused(method):
    with pytest.raises(UserError, match="works with products of vectors"):
        fit_of(NeuMF, method).run()


def test_a_transform_changes_what_is_ranked_or_is_refused():
    fit = fit_of(NeuMF, "info_nce")  # by cosines, in training and in ranking alike
    fit.run()
    table, transform = fit.backbone.table.detach(), fit.method.transform
    scores = ModelScorer.of(fit.backbone, CONTEXT, CONTEXT.train, transform).scores
    unit = torch.nn.functional.normalize(table, dim=1)
    torch.testing.assert_close(
        scores(torch.tensor([5])), unit[5:6] @ unit[CONTEXT.n_users :].T, atol=1e-6, rtol=1e-5
    )
    with pytest.raises(UserError, match="changes the vectors that are scored"):
        ModelScorer.of(ByUsers(CONFIG, CONTEXT, rng.stream(0, "i")), CONTEXT, None, transform)


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "own"},
        {"score": torch.add},
        {"kind": "own", "score": torch.add, "temperature": 2.0},
    ],
)
def test_a_similarity_that_contradicts_itself_is_refused(settings):
    with pytest.raises(ValueError, match="`s"):
        Similarity(**settings)
