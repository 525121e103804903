"""What a round moves, what it minimises, and what each setting leaves out."""

import pytest
import torch

from negbench.composition import recipe
from negbench.methods.hnlmrec.generator_training import HardGenerator
from negbench.ops import rng
from negbench.testing.toy_data import Play, usual

QUICK = "warmup=0,ramp=1,first=2,hidden=16,candidates=32"


def play(settings="") -> Play:
    made = Play(recipe(f"hnlmrec({QUICK}{settings})").build(), usual())
    made.refresh(1)
    return made


def stage(made):
    (part,) = made.method.stages
    assert isinstance(part.made, HardGenerator)
    return part


def test_every_weight_of_the_generator_moves_in_a_round_and_the_backbone_does_not():
    made = Play(recipe(f"hnlmrec({QUICK})").build(), usual())
    net = stage(made).made.net
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    items, users = made.tables.items.clone(), made.tables.users.clone()
    made.refresh(1)
    assert not [name for name, p in net.named_parameters() if torch.equal(before[name], p)]
    assert torch.equal(items, made.tables.items) and torch.equal(users, made.tables.users)


def test_rounds_bring_what_is_minimised_down():
    made = Play(recipe(f"hnlmrec({QUICK})").build(), usual())
    part, weights = stage(made).made, stage(made).config.lesson.weights
    items, users = made.tables.items.mean(1), made.tables.users.mean(1)
    part.measure(items, users)

    def taught(rounds):
        part.teach(items, users, rounds)
        told = {name.removeprefix("loss_"): value for name, value in part.epoch_metrics().items()}
        return told, sum(value * getattr(weights, name, 1.0) for name, value in told.items())

    (first, before), _, (last, after) = taught(2), taught(300), taught(2)
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
    made = play("," + settings)
    told = {
        name.removeprefix("loss_")
        for name in stage(made).epoch_metrics()
        if name.startswith("loss_")
    }
    assert told == {"sft", "sem", "beh", "hard", "false", "man"} - off


def test_words_alone_read_no_vector_and_vectors_alone_no_word():
    users, items = torch.tensor([0, 1, 2]), torch.tensor([3, 4, 5])
    e = torch.randn(2, 3, 8, generator=rng.stream(0, "e"))
    for signals in ("semantic", "cf"):
        made = stage(play(f",signals={signals}")).made
        a, b = made(users, items, e[0], e[1]), made(users, items, 2 * e[1], -e[0])
        other = made(users.flip(0), items.flip(0), e[0], e[1])
        assert torch.equal(a, b) == (signals == "semantic")
        assert torch.equal(a, other) == (signals == "cf")
