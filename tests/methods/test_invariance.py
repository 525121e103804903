"""What no loss may depend on: the order of the candidates, the numbers of users and items."""

from dataclasses import dataclass, fields, replace

import pytest
import torch
from torch import Tensor

from negbench.composition import recipe
from negbench.plugins import registry
from negbench.protocol import Batch, Negatives, Sampler, Step
from negbench.testing.toy_data import TrainingHarness, default_context, toy_context
from negbench.training.forward import Outcome, forward

EPOCH = 40
"""Late enough for every warm-up and curriculum to be over."""
BY_PLACE = {
    "warp": "counts tries until the first violator",
    "kos": "counts tries until the first violator",
    "ddrm_sampler": "draws among its candidates by one random number a place",
}
"""Methods whose law is the same in any order, but not what one seed gives."""
BY_ID = {
    "adv_infonce": "an adversary's table, drawn item by item",
    "ccdrec_cf": "candidates drawn by the stage",
    "gnno": "the extra negatives drawn by the stage",
    "hnlmrec": "texts that belong to an item's number",
    "irgan": "a generator's table, drawn item by item",
    "mdcns": "a peer's table, drawn item by item",
    "napo": "pools drawn by the objective",
    "pdrec_band": "the band's item drawn by the stage",
    "til": "held-out pairs drawn by number",
}
"""Methods that draw something of their own by number: alike in law, not from one seed."""


@dataclass
class Fixed:
    """A sampler that gives these negatives, whatever is asked."""

    negatives: Negatives

    def sample(self, step: Step) -> Negatives:
        """The negatives."""
        del step
        return self.negatives


@dataclass
class Turned:
    """A sampler whose negatives come last first."""

    inner: Sampler

    def sample(self, step: Step) -> Negatives:
        """The same negatives with every field turned round along N."""
        drawn = self.inner.sample(step)
        if drawn.n < 2:
            return drawn
        mask = drawn.mask
        return replace(
            drawn,
            ids=_flipped(drawn.ids),
            vectors=None if drawn.vectors is None else drawn.vectors.flip(-2),
            logq=_flipped(drawn.logq),
            logw=_flipped(drawn.logw),
            mask=mask if mask is None or mask.shape[-1] != drawn.n else mask.flip(-1),
        )


def _flipped(values: Tensor | None) -> Tensor | None:
    return None if values is None else values.flip(-1)


def with_several(name: str) -> str:
    """The method with six negatives a row, where it draws one by default."""
    settings = {each.name: each.default for each in fields(registry.load("methods", name).Config)}
    alone = settings.get("negatives") == 1 and "candidates" not in settings
    return f"{name}(negatives=6)" if alone else name


def both_ways(text: str) -> tuple[Outcome, Outcome]:
    """A step with the candidates as they are drawn, and turned round."""
    harness = TrainingHarness(recipe(text).build())
    harness.refresh(EPOCH)
    drawn = forward(harness.method, replace(harness.step(), epoch=EPOCH))
    method = replace(harness.method, sampler=Turned(harness.method.sampler))
    return drawn, forward(method, replace(harness.step(), epoch=EPOCH))


@pytest.mark.parametrize("name", sorted({*registry.names("methods")} - {*BY_PLACE}))
def test_candidates_in_another_order_give_the_same_loss(name: str) -> None:
    drawn, turned = both_ways(with_several(name))
    torch.testing.assert_close(drawn.rows, turned.rows, rtol=1e-4, atol=1e-5)
    assert drawn.losses.keys() == turned.losses.keys()
    for part, loss in drawn.losses.items():
        torch.testing.assert_close(loss, turned.losses[part], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", BY_PLACE)
def test_these_go_by_the_place_of_a_candidate(name: str) -> None:
    drawn, turned = both_ways(with_several(name))
    assert not torch.allclose(drawn.rows, turned.rows)


def test_most_methods_have_candidates_to_turn() -> None:
    names = registry.names("methods")
    several = [name for name in names if both_ways(with_several(name))[0].drawn.n > 1]
    assert len(several) >= 40


def renumbered(text: str) -> tuple[Outcome, Outcome]:
    """A step on the toy, and the same step where users and items have other numbers."""
    first = default_context()
    generator = torch.Generator().manual_seed(3)
    users, items = (torch.randperm(n, generator=generator) for n in (first.n_users, first.n_items))
    sets: list[list[int]] = [[]] * first.n_users
    for user in range(first.n_users):
        sets[int(users[user])] = [int(items[item]) for item in first.train.row(user)]
    plain = TrainingHarness(recipe(text).build(), first)
    other = TrainingHarness(recipe(text).build(), toy_context(sets, first.n_items))
    other.tables.users[users] = plain.tables.users.clone()
    other.tables.items[items] = plain.tables.items.clone()
    source = TrainingHarness(recipe(text).build(), first)
    source.refresh(EPOCH)
    step = replace(source.step(), epoch=EPOCH)
    transform = source.method.transform
    view = step.view if transform is None else transform.view(step)
    drawn = source.method.sampler.sample(replace(step, view=view))
    outcomes = []
    for harness in (plain, other):
        negatives, batch = drawn, step.batch
        if harness is other:
            batch = Batch(users[batch.users], items[batch.items])
            if drawn.ids is not None:
                negatives = replace(drawn, ids=items[drawn.ids])
        harness.refresh(EPOCH)
        method = replace(harness.method, sampler=Fixed(negatives))
        outcomes.append(forward(method, replace(harness.step(1, batch), epoch=EPOCH)))
    return outcomes[0], outcomes[1]


@pytest.mark.parametrize(
    "text", [*sorted({*registry.names("methods")} - {*BY_ID}), "mdcns(peer=self)"]
)
def test_other_numbers_of_users_and_items_give_the_same_loss(text: str) -> None:
    plain, other = renumbered(text)
    torch.testing.assert_close(plain.rows, other.rows, rtol=1e-4, atol=1e-4)
