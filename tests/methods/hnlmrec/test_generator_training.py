"""What a round moves, what it minimises, and what each setting leaves out."""

import pytest
import torch

from negbench.composition import recipe
from negbench.methods.hnlmrec.generator_training import HardGenerator
from negbench.ops import rng
from negbench.testing.toy_data import TrainingHarness

QUICK = "warmup=0,ramp=1,first=2,hidden=16,candidates=32"


def harness(settings="") -> TrainingHarness:
    trainer = TrainingHarness(recipe(f"hnlmrec({QUICK}{settings})").build())
    trainer.refresh(1)
    return trainer


def stage(trainer):
    (part,) = trainer.method.stages
    assert isinstance(part.generator, HardGenerator)
    return part


def test_every_weight_of_the_generator_moves_in_a_round_and_the_backbone_does_not():
    trainer = TrainingHarness(recipe(f"hnlmrec({QUICK})").build())
    net = stage(trainer).generator.net
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    items, users = trainer.tables.items.clone(), trainer.tables.users.clone()
    trainer.refresh(1)
    assert not [name for name, p in net.named_parameters() if torch.equal(before[name], p)]
    assert torch.equal(items, trainer.tables.items) and torch.equal(users, trainer.tables.users)


def test_rounds_bring_what_is_minimised_down():
    trainer = TrainingHarness(recipe(f"hnlmrec({QUICK})").build())
    part, weights = stage(trainer).generator, stage(trainer).config.training.weights
    items, users = trainer.tables.items.mean(1), trainer.tables.users.mean(1)
    part.measure(items, users)

    def trained(rounds):
        part.train(items, users, rounds)
        losses = {name.removeprefix("loss_"): x for name, x in part.epoch_metrics().items()}
        return losses, sum(x * getattr(weights, name, 1.0) for name, x in losses.items())

    (first, before), _, (last, after) = trained(2), trained(300), trained(2)
    assert after < 0.7 * before and last["sft"] < first["sft"]


@pytest.mark.parametrize(
    "settings,off",
    [
        ("signals=semantic", {"beh", "hard", "false"}),
        ("signals=cf", {"sem"}),
        ("criteria=0", {"sem", "beh", "hard", "false", "man"}),
        ("sem=0,man=0", {"sem", "man"}),
    ],
)
def test_criteria_that_are_off(settings, off):
    trainer = harness("," + settings)
    logged = {
        name.removeprefix("loss_")
        for name in stage(trainer).epoch_metrics()
        if name.startswith("loss_")
    }
    assert logged == {"sft", "sem", "beh", "hard", "false", "man"} - off


def test_words_alone_read_no_vector_and_vectors_alone_no_word():
    users, items = torch.tensor([0, 1, 2]), torch.tensor([3, 4, 5])
    e = torch.randn(2, 3, 8, generator=rng.stream(0, "e"))
    for signals in ("semantic", "cf"):
        generator = stage(harness(f",signals={signals}")).generator
        a = generator(users, items, e[0], e[1])
        b = generator(users, items, 2 * e[1], -e[0])
        other = generator(users.flip(0), items.flip(0), e[0], e[1])
        assert torch.equal(a, b) == (signals == "semantic")
        assert torch.equal(a, other) == (signals == "cf")
