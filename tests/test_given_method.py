"""A method for a loop of one's own: by name, as a plug-in file, or built."""

from pathlib import Path

import pytest
import torch
from helpers.own_loop import ITEMS, USERS, Stranger

import negbench
from negbench.composition import recipe
from negbench.errors import UserError
from negbench.parts import BPR, Uniform
from negbench.plugins import registry
from negbench.protocol import Method

U, POSITIVES = torch.from_numpy(USERS), torch.from_numpy(ITEMS)
FILE = Path(__file__).resolve().parent.parent / "examples" / "own_method.py"


@pytest.fixture(autouse=True)
def no_plugins(monkeypatch):
    monkeypatch.setattr(registry, "_plugins", {})


def losses(method):
    """Of three steps."""
    model, loss = Stranger(), negbench.attach(method, USERS, ITEMS, n_items=40)
    return [loss(model.user(U), model.item.weight, U, POSITIVES).item() for _ in range(3)]


def draws(method):
    return negbench.sampler(method, USERS, ITEMS, n_items=40)(U).ids


def test_a_built_method_is_the_method_of_that_name():
    assert losses(Method(Uniform(3), BPR())) == losses("random(negatives=3)")
    assert losses(recipe("popularity+dns").build()) == losses("popularity+dns")
    assert torch.equal(draws(Method(Uniform(3), BPR())), draws("random(negatives=3)"))


def test_a_file_is_registered_and_takes_settings():
    assert "own_method" not in registry.names("methods")
    by_file = draws(f"{FILE}(negatives=4)")
    assert by_file.shape == (len(U), 4) and "own_method" in registry.names("methods")
    assert torch.equal(draws("own_method(negatives=4)"), by_file)
    assert losses(FILE) == losses(str(FILE)) == losses("own_method")


def test_a_built_method_is_in_one_loop_alone():
    """What one loop teaches its parts would else be in the other."""
    method = Method(Uniform(1), BPR())
    losses(method)
    for again in (losses, draws):
        with pytest.raises(UserError, match="is in a loop already; build another"):
            again(method)


def test_a_loop_that_was_not_made_has_taken_nothing():
    method = recipe("dmns").build()
    with pytest.raises(UserError, match="add dim=D"):
        negbench.attach(method, USERS, ITEMS)
    negbench.attach(method, USERS, ITEMS, dim=8)


@pytest.mark.parametrize("use", [losses, draws])
def test_what_is_no_method_is_refused_in_a_sentence(use, tmp_path):
    with pytest.raises(UserError, match="did you mean random"):
        use("randm")
    with pytest.raises(UserError, match="a method's file must be there; got .*absent.py"):
        use(tmp_path / "absent.py")
    with pytest.raises(UserError, match="own_dataset.py must be a method's file; it is one of dat"):
        use(FILE.with_name("own_dataset.py"))
    for other in (Uniform(1), 3, None):
        with pytest.raises(UserError, match=r"a method must be a name such as .*; got"):
            use(other)


def test_a_built_method_without_a_loss_of_draws_is_no_sampler():
    """Nothing is known of it but its parts, and they need vectors."""
    with pytest.raises(UserError, match="your method"):
        draws(recipe("adar").build())
