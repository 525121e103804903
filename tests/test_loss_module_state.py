"""`negbench.attach`: half precision, evaluation beside training, and a run that goes on."""

import copy
import io
import warnings

import pytest
import torch
from helpers.own_loop import ITEMS, USERS, WITHOUT_A_COPY, Stranger

from negbench.errors import UserError
from negbench.loss_module import NEEDS_A_BACKBONE, attach
from negbench.plugins import registry

U, POSITIVES = torch.from_numpy(USERS), torch.from_numpy(ITEMS)
NAMES = [
    name
    for name in registry.names("methods")
    if not set(registry.card("methods", name).needs) & set(NEEDS_A_BACKBONE)
]


def made(name):
    return attach(
        WITHOUT_A_COPY.get(name, name), USERS, ITEMS, n_items=40, dim=8, epoch_rows=3 * len(U)
    )


def step(model, loss, optimiser=None):
    if optimiser:
        optimiser.zero_grad()
    value = loss(model.user(U), model.item.weight, U, POSITIVES)
    if optimiser:
        value.backward()
        loss.set_lr(optimiser, 0.05)
        optimiser.step()
    return value.item()


def trained(loss, model, steps):
    groups = [{"params": model.parameters()}, *loss.parameter_groups(0.05)]
    optimiser = torch.optim.Adam(groups, lr=0.05)
    return [step(model, loss, optimiser) for _ in range(steps)], optimiser


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("how", ["autocast", "half"])
def test_half_precision_gives_the_loss_of_the_same_vectors_in_float32(name, how):
    """Under autocast the same bits; of a model in bfloat16 those of its rounded vectors."""
    model = Stranger()
    half = copy.deepcopy(model).bfloat16() if how == "half" else model
    plain = copy.deepcopy(half).float()
    with torch.autocast("cpu", torch.bfloat16, enabled=how == "autocast"):
        value = made(name)(half.user(U), half.item.weight, U, POSITIVES)
    other = made(name)(plain.user(U), plain.item.weight, U, POSITIVES)
    assert value.dtype == torch.float32
    assert torch.equal(value, other)
    if value.requires_grad:
        value.backward()
        assert half.item.weight.grad is None or half.item.weight.grad.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_a_state_after_an_epoch_goes_on_bit_for_bit(name):
    first, model = made(name), Stranger()
    _, optimiser = trained(first, model, 3)
    file = io.BytesIO()
    parts = {"loss": first, "model": model, "optimiser": optimiser}
    torch.save({each: part.state_dict() for each, part in parts.items()}, file)
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    second, twin = made(name), Stranger()
    _, again = trained(second, twin, 0)
    for each, part in {"loss": second, "model": twin, "optimiser": again}.items():
        part.load_state_dict(saved[each])
    ahead = [step(model, first, optimiser) for _ in range(3)]
    assert [step(twin, second, again) for _ in range(3)] == ahead


@pytest.mark.parametrize(("other", "n_items"), [("warp", 40), ("dns", 41)])
def test_the_state_of_another_method_or_other_data_is_refused(other, n_items):
    saved = attach("dns(candidates=4)", USERS, ITEMS, n_items=40, dim=8).state_dict()
    attach("dns(candidates=16)", USERS, ITEMS, n_items=40, dim=8).load_state_dict(saved)
    with pytest.raises(UserError, match="of the same method and data; its (parts|numbers)"):
        attach(other, USERS, ITEMS, n_items=n_items, dim=8).load_state_dict(saved)


@pytest.mark.parametrize("name", ["random", "dns", "adaptive_mixed", "info_nce", "dmns"])
def test_an_evaluation_leaves_training_as_it_was(name):
    runs = []
    for looks in (False, True):
        loss, model = made(name), Stranger()
        values, optimiser = trained(loss, model, 2)
        if looks:
            loss.eval()
            with torch.no_grad():
                one, two = step(model, loss), step(model, loss)
            assert one == two, "an evaluation draws alike each time"
            loss.train()
        runs.append(values + [step(model, loss, optimiser) for _ in range(2)])
    assert runs[0] == runs[1]


@pytest.mark.parametrize("name", NAMES)
def test_an_evaluation_without_gradient_is_the_one_with_it(name):
    """Also of a method that differentiates itself, as til does to look ahead."""
    loss, model = made(name), Stranger()
    trained(loss, model, 2)
    loss.eval()
    value = step(model, loss)
    for without in (torch.no_grad(), torch.inference_mode()):
        with without:
            looked = loss(model.user(U), model.item.weight, U, POSITIVES)
        assert looked.item() == value and not looked.requires_grad
    assert not any(p.grad is not None and p.grad.isnan().any() for p in loss.parameters())


def test_a_state_within_an_epoch_makes_its_tables_again():
    first, model = made("dmns"), Stranger()
    trained(first, model, 2)
    second = made("dmns")
    second.load_state_dict(first.state_dict())
    assert second.epochs_begun == first.epochs_begun == 1
    assert torch.isfinite(torch.tensor(step(model, second)))
    assert second.epochs_begun == 1


def test_the_copy_of_an_adversary_still_maximises():
    loss, model = made("llpauc"), Stranger()
    trained(loss, model, 1)
    twin = copy.deepcopy(loss)
    for each in (loss, twin):
        each.zero_grad()
        each(model.user(U), model.item.weight, U, POSITIVES).backward()
    pairs = list(zip(loss.maximised, twin.maximised, strict=True))
    assert pairs and all(a.grad is not None and torch.equal(a.grad, b.grad) for a, b in pairs)


def test_a_deep_copy_is_a_twin_and_stands_alone():
    loss, model = made("adaptive_mixed"), Stranger()
    trained(loss, model, 2)
    twin, other = copy.deepcopy(loss), copy.deepcopy(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert step(model, loss) == step(other, twin)
    step(other, twin)
    assert twin.number == loss.number + 1
