"""One step through the parts, computed by hand."""

from dataclasses import dataclass, replace

import pytest
import torch
from helpers.toy_data import small_context

from negbench.errors import UserError
from negbench.evaluation.model_scorer import ModelScorer
from negbench.ops import rng
from negbench.parts import BPR
from negbench.protocol.interfaces import Method
from negbench.protocol.step import Batch, Negatives, RankingVectors, Step
from negbench.protocol.view import Similarity, View
from negbench.training.forward import forward

QUERY = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
ITEMS = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]])


def step_of(view=None, context=None) -> Step:
    batch = Batch(torch.tensor([0, 1]), torch.tensor([0, 1]))
    view = view or View(QUERY.clone().requires_grad_(), ITEMS, ITEMS[batch.items])
    return Step(batch, view, context or small_context(), 1, 1, rng.stream(0, "negatives"))


@dataclass
class Fixed:
    negatives: Negatives

    def sample(self, step):
        return self.negatives


@dataclass
class Weighs:
    weight: torch.Tensor

    def apply(self, step, negatives):
        return replace(negatives, row_weight=self.weight, losses={"extra": torch.tensor(0.5)})


@dataclass
class Doubles:
    seen: list

    def view(self, step):
        self.seen.append(step.training)
        view = step.view
        return replace(
            view,
            query=view.query * 2,
            losses={"width": torch.tensor(0.25)},
            through=lambda items: items + 1,
        )


def softplus(x: float) -> float:
    return torch.nn.functional.softplus(torch.tensor(x)).item()


def test_the_loss_is_the_weighted_rows_and_the_named_losses():
    ids = torch.tensor([[2], [2]])
    method = Method(Fixed(Negatives(ids)), BPR(), stages=(Weighs(torch.tensor([1.0, 0.5])),))
    marks = []
    outcome = forward(method, step_of(), marks.append)
    rows = [softplus(3.0 - 1.0), 0.5 * softplus(3.0 - 2.0)]
    assert outcome.rows.tolist() == pytest.approx(rows)
    assert outcome.loss.item() == pytest.approx(sum(rows) / 2 + 0.5)
    assert outcome.losses.keys() == {"extra"} and marks == ["sampling", "scoring"]
    assert outcome.drawn.row_weight is None and outcome.used.row_weight is not None


def test_a_transform_changes_what_is_scored_and_adds_its_loss():
    seen = []
    method = Method(Fixed(Negatives(torch.tensor([[2], [2]]))), BPR(), transform=Doubles(seen))
    outcome = forward(method, step_of())
    assert outcome.s_neg.squeeze(1).tolist() == [8.0, 8.0]  # 2 q . (v + 1)
    assert outcome.losses["width"].item() == 0.25 and seen == [True]


def test_a_transform_also_ranks():
    seen, context = [], small_context(n_items=3)
    encoded = RankingVectors(ITEMS, Similarity(), lambda users: QUERY[users])
    plain = ModelScorer(encoded, ITEMS, context)
    changed = ModelScorer(encoded, ITEMS, context, Doubles(seen))
    users = torch.tensor([0, 1])
    assert torch.equal(plain.scores(users), QUERY @ ITEMS.T)
    assert torch.equal(changed.scores(users), 2 * QUERY @ (ITEMS + 1).T)
    assert seen == [False]


def test_shared_vectors_and_nothing_at_all_are_legal():
    pool = Negatives(torch.tensor([1, 2]), shared=True, mask=torch.tensor([[True, False]] * 2))
    outcome = forward(Method(Fixed(pool), BPR()), step_of())
    assert outcome.s_neg.tolist() == [[0.0, 3.0], [2.0, 3.0]]
    assert outcome.rows.tolist() == pytest.approx([softplus(0.0 - 1), softplus(2.0 - 2)])
    vectors = Negatives(vectors=torch.ones(2, 1, 2))
    assert forward(Method(Fixed(vectors), BPR()), step_of()).s_neg.tolist() == [[1.0], [1.0]]


@pytest.mark.parametrize(
    "wrong",
    [
        {"ids": torch.zeros(3, dtype=torch.long)},
        {"ids": torch.zeros(2, 3, dtype=torch.long), "shared": True},
        {"vectors": torch.zeros(2, 3)},
    ],
)
def test_shared_or_per_row_is_stated_never_inferred(wrong):
    with pytest.raises(ValueError, match="must be"):
        Negatives(**wrong)


@dataclass
class Gives:
    """A sampler, a stage or an objective that gives one thing."""

    what: object

    def sample(self, step):
        return self.what

    def apply(self, step, negatives):
        return self.what

    def rows(self, step, s_pos, s_neg, negatives):
        return self.what


IDS = torch.tensor([[2], [2]])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (Negatives(IDS[:1]), r"must give `ids` \[2, N\] int64; got \[1, 1\] int64"),
        (Negatives(torch.zeros(3, 1).long()), r"`ids` \[2, N\] int64; got \[3, 1\] int64"),
        (Negatives(IDS.int()), r"`ids` \[2, N\] int64; got \[2, 1\] int32"),
        (Negatives(IDS[:, 0].int(), shared=True), r"`ids` \[K\] int64; got \[2\] int32"),
        (Negatives(IDS, mask=torch.ones(1, 1).bool()), r"`mask` \[2, 1\] bool; got \[1, 1\] bool"),
        (Negatives(IDS, mask=torch.ones(2, 1)), r"`mask` \[2, 1\] bool; got \[2, 1\] float32"),
        (Negatives(IDS, logq=torch.zeros(2)), r"`logq` \[2, 1\]; got \[2\] float32"),
        (Negatives(IDS, logw=torch.zeros(2)), r"`logw` \[2, 1\]; got \[2\] float32"),
        (Negatives(IDS, row_weight=torch.ones(1)), r"`row_weight` \[2\]; got \[1\] float32"),
        (Negatives(vectors=torch.ones(1, 1, 2)), r"`vectors` \[2, 1, D\]; got \[1, 1, 2\]"),
        (IDS, r"must give Negatives; got a Tensor"),
        (None, "must give Negatives; got None"),
    ],
)
def test_what_would_be_broadcast_in_silence_is_refused(given, sentence):
    for method, verb in (
        (Method(Gives(given), BPR()), "sample"),
        (Method(Fixed(Negatives(IDS)), BPR(), stages=(Gives(given),)), "apply"),
    ):
        with pytest.raises(UserError, match=f"^Gives.{verb} .*{sentence}.*negbench check"):
            forward(method, step_of())


@pytest.mark.parametrize("rows", [torch.zeros(2, 2), torch.zeros(2, 1), torch.tensor(1.0), None])
def test_an_objective_gives_a_loss_for_each_row(rows):
    """[B, N] - [B] is [B, B] where N is 1, and its mean would train."""
    with pytest.raises(UserError, match=r"Gives.rows must give a loss for each row, \[2\]; got"):
        forward(Method(Fixed(Negatives(IDS)), Gives(rows)), step_of())


def test_a_part_that_scores_other_rows_is_refused():
    with pytest.raises(ValueError, match=r"each of 2 rows; got \[1, 1\]; score_shared takes one"):
        step_of().score(Negatives(IDS[:1]))


def test_take_selects_along_n_and_forgets_how_it_was_drawn():
    negatives = Negatives(
        torch.tensor([5, 6, 7]), shared=True, logq=torch.zeros(3), mask=torch.eye(2, 3).bool()
    )
    kept = negatives.take(torch.tensor([[2], [1]]))
    assert kept.ids.tolist() == [[7], [6]] and not kept.shared and kept.logq is None
    assert kept.mask.tolist() == [[False], [True]]


def test_look_is_without_gradient_and_never_shows_a_masked_one():
    view = View(QUERY.clone().requires_grad_(), ITEMS, ITEMS[:2])
    mask = torch.tensor([[True, False], [True, True]])
    scores = step_of(view).scores_no_grad(Negatives(torch.tensor([[0, 2], [1, 2]]), mask=mask))
    assert not scores.requires_grad and scores.tolist() == [[1.0, -torch.inf], [2.0, 3.0]]
