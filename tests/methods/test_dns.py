import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.testing.toy_data import TrainingHarness


def test_one_candidate_is_random() -> None:
    hard, even = (
        TrainingHarness(recipe(m).build()).train() for m in ("dns(candidates=1)", "random")
    )
    assert hard.used.ids is not None and even.used.ids is not None
    assert torch.equal(hard.used.ids, even.used.ids)
    assert torch.equal(hard.rows, even.rows)


def test_it_takes_the_best_scored_of_its_candidates() -> None:
    outcome = TrainingHarness(recipe("dns(candidates=7)").build()).forward()
    assert outcome.drawn.ids is not None
    best = outcome.step.score(outcome.drawn).amax(1, keepdim=True)
    assert torch.allclose(outcome.s_neg, best) and outcome.drawn.ids.shape[1] == 7


def test_more_candidates_are_harder() -> None:
    mean = [
        TrainingHarness(recipe(f"dns(candidates={m})").build()).forward().s_neg.mean().item()
        for m in (1, 4, 64)
    ]
    assert mean == sorted(mean)


def test_no_candidates_are_refused() -> None:
    with pytest.raises(UserError, match="`candidates` must be at least 1; got 0"):
        recipe("dns(candidates=0)")
