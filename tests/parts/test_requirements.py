"""Ids beside synthesised vectors bear the L2 penalty alone: no stage reads them as items."""

import pytest
import torch

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.parts.requirements import ids_of
from negbench.protocol import Negatives, Step
from negbench.testing.toy_data import TrainingHarness

TAKE_ITEMS = ["bns", "dens", "divns", "mdcns", "mixgcf", "til", "ddrm_sampler(warmup=0)"]


def synthesised(step: Step, **more: bool) -> Negatives:
    rows = len(step.batch)
    ids = torch.arange(3).expand(rows, -1)
    return Negatives(ids, torch.randn(rows, 3, step.view.items.shape[1]), **more)


def test_the_ids_of_a_pool_and_of_vectors_that_stand_for_items() -> None:
    step = TrainingHarness(recipe("random").build()).step()
    pool = Negatives(torch.tensor([4, 2]), shared=True)
    assert ids_of(step, pool, "this").tolist() == [[4, 2]] * len(step.batch)
    assert ids_of(step, synthesised(step, named=True), "this")[0].tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", TAKE_ITEMS)
def test_ids_that_stand_for_no_item_are_refused(name: str) -> None:
    harness = TrainingHarness(recipe(name).build())
    harness.refresh(1)
    step = harness.step()
    with pytest.raises(UserError, match=r"needs negatives that are items; these are synthesised"):
        harness.method.stages[0].apply(step, synthesised(step))


def test_the_adversary_with_a_vector_an_item_refuses_them_too() -> None:
    harness = TrainingHarness(recipe("adv_infonce(variant=embed)").build())
    step = harness.step()
    drawn = synthesised(step)
    with pytest.raises(UserError, match="none for synthesised negatives"):
        harness.method.objective.rows(
            step, step.view.score_pair(step.view.positive), step.score(drawn), drawn
        )


def test_napo_shares_no_negatives_that_stand_for_no_item() -> None:
    harness = TrainingHarness(recipe("napo(sft_epochs=0)").build())
    harness.refresh(1)
    step = harness.step()
    drawn = synthesised(step)
    with pytest.raises(UserError, match="sharing needs negatives of each row's own, as items"):
        harness.method.objective.rows(
            step, step.view.score_pair(step.view.positive), step.score(drawn), drawn
        )
