"""PreferDiff: closed forms, the centroid against a loop, the bound, the control, the backbone."""

import importlib
import math
from dataclasses import replace

import pytest
import torch
from helpers.toy_data import small_context

import negbench
from negbench.backbones import dreamrec
from negbench.composition import recipe
from negbench.errors import UserError
from negbench.ops import rng
from negbench.plugins.term_syntax import config_of
from negbench.protocol.step import Batch, Negatives, Step
from negbench.protocol.view import View
from negbench.training.batches import Sequences
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit

preferdiff = importlib.import_module("negbench.methods.preferdiff")
CONTEXT = small_context()
SMALL = dreamrec.Config(dim=8, heads=2, length=6, steps=60, stride=20, drop=0.2, batch_size=16)
G = torch.Generator().manual_seed(0)
BATCH = Batch(torch.tensor([0, 0, 1, 2, 2, 3]), torch.tensor([4, 5, 4, 6, 4, 7]))
ITEMS = torch.randn(9, 3, generator=G)
QUERY = torch.randn(6, 3, generator=G)


def view_of(guess=lambda vectors: vectors + QUERY):
    return View(QUERY, ITEMS, ITEMS[BATCH.items], denoise=guess)


def step_of(view):
    return Step(BATCH, view, CONTEXT, 1, 1, rng.stream(0, "negatives"))


def loss_of(config, view, negatives):
    none = torch.zeros(6)
    return preferdiff.Preference(config).rows(step_of(view), none, none.unsqueeze(1), negatives)


def fit_of(method, config=SMALL, epochs=1, context=CONTEXT):
    backbone = dreamrec.build(config, context, rng.stream(0, "init"))
    return Fit(recipe(method).build(), backbone, context, TrainConfig(epochs=epochs))


@pytest.mark.parametrize("reduction", ["sample", "batch"])
def test_equal_errors_give_log_2(reduction):
    view = view_of(lambda vectors: QUERY)
    same = Negatives(vectors=view.positive.unsqueeze(1))
    rows = loss_of(preferdiff.Config(weight=0.0, reduction=reduction), view, same)
    torch.testing.assert_close(rows, torch.full((6,), math.log(2)))


@pytest.mark.parametrize("gamma,weight", [(5.0, 0.4), (0.5, 0.9)])
def test_gradients_weigh_as_the_closed_form(gamma, weight):
    right, wrong = torch.rand(2, 6, generator=G).unbind()
    right.requires_grad_(), wrong.requires_grad_()
    config = preferdiff.Config(weight=weight, gamma=gamma)
    every = torch.ones(6, dtype=torch.bool)
    preference = preferdiff.Preference(config).preferred(right, wrong, every)
    (weight * right + (1 - weight) * preference).sum().backward()
    pull = gamma * (1 - weight) * torch.sigmoid(gamma * (right - wrong)).detach()
    torch.testing.assert_close(right.grad, weight + pull)
    torch.testing.assert_close(wrong.grad, -pull)
    assert (right.grad > 0).all() and (wrong.grad < 0).all()


@pytest.mark.parametrize("error", ["cosine", "cosine_squared"])
def test_a_cosine_error_does_not_see_lengths(error):
    measure = preferdiff.ERRORS[error]
    torch.testing.assert_close(measure(7 * QUERY, 0.1 * ITEMS[:6]), measure(QUERY, ITEMS[:6]))
    one = float(1 - QUERY[0] @ ITEMS[0] / QUERY[0].norm() / ITEMS[0].norm())
    expected = one**2 if error == "cosine_squared" else one
    assert float(measure(QUERY[:1], ITEMS[:1])) == pytest.approx(expected, rel=1e-5)
    assert not torch.allclose(
        preferdiff.mse(7 * QUERY, ITEMS[:6]), preferdiff.mse(QUERY, ITEMS[:6])
    )


LAST = [1, 2, 4, 5]  # rows of the last item of users 0 to 3


@pytest.mark.parametrize("targets", ["all", "last"])
@pytest.mark.parametrize("others", ["row", "label", "user"])
def test_the_centroid_by_one_sum_equals_the_gather(others, targets):
    drawn = preferdiff.BatchCentroid(others, targets).sample(step_of(view_of()))
    rows = LAST if targets == "last" else range(6)
    same = {
        "row": lambda a, b: a == b,
        "label": lambda a, b: bool(BATCH.items[a] == BATCH.items[b]),
        "user": lambda a, b: bool(BATCH.users[a] == BATCH.users[b]),
    }[others]
    for row in range(6):
        left = [ITEMS[BATCH.items[b]] for b in rows if not same(row, b)]
        torch.testing.assert_close(drawn.vectors[row, 0], torch.stack(left).mean(0))
    assert drawn.mask.all()


def test_a_row_without_others_has_the_first_term_alone():
    batch = replace(BATCH, users=torch.zeros(6, dtype=torch.long))
    step = replace(step_of(view_of()), batch=batch)
    drawn = preferdiff.BatchCentroid("user").sample(step)
    assert not drawn.mask.any()
    for reduction in ("sample", "batch"):
        rows = loss_of(preferdiff.Config(reduction=reduction), view_of(), drawn)
        right = preferdiff.cosine_squared(QUERY, ITEMS[BATCH.items])
        torch.testing.assert_close(rows, 0.4 * right)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_any_sampler_gives_a_centroid(shared, weighted):
    ids = torch.randint(9, (4,) if shared else (6, 4), generator=G)
    mask = torch.rand(6, 4, generator=G) < 0.6
    mask[0] = False
    logw = torch.randn(6, 4, generator=G) if weighted else None
    centre, any_left = preferdiff.centroid(
        view_of(), Negatives(ids, shared=shared, mask=mask, logw=logw)
    )
    assert any_left.tolist() == mask.any(1).tolist()
    for row in mask.any(1).nonzero().squeeze(1).tolist():
        weight = [float(logw[row, n].exp()) if weighted else 1.0 for n in range(4)]
        mine = [n for n in range(4) if mask[row, n]]
        own = ids if shared else ids[row]
        by_hand = sum(weight[n] * ITEMS[own[n]] for n in mine) / sum(weight[n] for n in mine)
        torch.testing.assert_close(centre[row], by_hand)


def test_the_released_form_takes_means_first():
    view, config = view_of(), preferdiff.Config(reduction="batch")
    drawn = preferdiff.BatchCentroid("row").sample(step_of(view))
    centre = drawn.vectors[:, 0]
    right = preferdiff.cosine_squared(QUERY, view.positive).mean()
    wrong = preferdiff.cosine_squared(centre + QUERY, centre).mean()
    expected = 0.4 * right + 0.6 * torch.nn.functional.softplus(5 * (right - wrong))
    torch.testing.assert_close(loss_of(config, view, drawn).mean(), expected)
    apart = loss_of(preferdiff.Config(), view, drawn).mean()
    assert float(apart) > float(expected), "Jensen: softplus is convex"


@pytest.mark.parametrize("reduction", ["sample", "batch"])
@pytest.mark.parametrize("weight", [0.4, 1.0])
def test_with_last_targets_the_other_rows_weigh_nothing(reduction, weight):
    """The loss is that of a batch of the last rows alone, as released: one target a sequence."""
    view = view_of()
    config = preferdiff.Config(reduction=reduction, targets="last", weight=weight)
    drawn = preferdiff.BatchCentroid("row", "last").sample(step_of(view))
    rows = loss_of(config, view, drawn)
    assert rows[[0, 3]].tolist() == [0, 0]
    right = preferdiff.cosine_squared(QUERY, view.positive)[LAST]
    centre = drawn.vectors[LAST, 0]
    gap = right - preferdiff.cosine_squared(centre + QUERY[LAST], centre)
    gap = gap.mean() if reduction == "batch" else gap
    preference = torch.nn.functional.softplus(5 * gap)
    expected = (weight * right + (1 - weight) * preference).mean()
    torch.testing.assert_close(rows.mean(), expected)


def test_of_real_histories_the_last_item_is_the_one_target():
    batch = Sequences(CONTEXT.train, 16, 6).batch(torch.arange(16))
    counted = preferdiff.counted_rows(batch, "last").bool()
    latest = [int(CONTEXT.train.row(user)[-1]) for user in batch.users[counted].tolist()]
    assert batch.users[counted].tolist() == batch.users.unique().tolist()
    assert batch.items[counted].tolist() == latest
    assert preferdiff.counted_rows(batch, "all").tolist() == [1.0] * len(batch)


@pytest.mark.parametrize("init", [0.02, 1.0])
def test_mse_is_of_order_1_at_any_scale_of_the_vectors(init):
    """A guess of zeros errs by 1 over the items. The first guess of F has a variance of up to 1,
    a third each from the noised vector, the condition and the time: E+ begins at 1 plus that, and
    E- near that alone, for a centroid is nearly zero."""
    fit = fit_of("preferdiff(error=mse)", replace(SMALL, init=init), epochs=3)
    loss, items = fit.method.objective, fit.backbone.table.detach()[: CONTEXT.n_items]
    view = View(items, items, items)
    assert float(loss.error(view, 0 * items, items).mean()) == pytest.approx(1, rel=1e-4)
    first, *_, last = fit.run().rows
    assert 1 < first["error_positive"] < 2.2 and 0.2 < first["error_negative"] < 1.2
    gap = 5 * (first["error_positive"] - first["error_negative"])
    assert 1 / (1 + math.exp(-gap)) > 0.9, "at 1/2 hard negatives would weigh as easy ones"
    assert last["error_positive"] < first["error_positive"] - 0.05


def test_mse_does_not_see_the_scale_of_the_vectors():
    losses = []
    for scale in (1e-3, 1.0, 1e3):
        query, items = scale * QUERY, scale * ITEMS
        view = View(query, items, items[BATCH.items], denoise=lambda x, q=query: x / 2 + q)
        drawn = preferdiff.BatchCentroid("row").sample(step_of(view))
        losses.append(loss_of(preferdiff.Config(error="mse"), view, drawn))
    torch.testing.assert_close(losses[0], losses[1])
    torch.testing.assert_close(losses[2], losses[1])
    zero = torch.zeros_like(ITEMS)
    view = View(QUERY, zero, zero[BATCH.items], denoise=lambda x: x)
    nothing = loss_of(preferdiff.Config(error="mse"), view, Negatives(vectors=zero[:6, None]))
    assert bool(nothing.isfinite().all())


@pytest.mark.parametrize(("name", "weight"), [("released", 0.4), ("released_toys", 0.6)])
def test_the_presets_are_the_released_settings(name, weight):
    config = config_of(preferdiff, {"preset": name}, "preferdiff")
    assert config == preferdiff.Config(weight, 5.0, "cosine_squared", "batch", "row", "last")


def least(error, steps=300):
    """Where gradient descent on the preference of one free guess of a negative ends: E-."""
    guess, centre = torch.tensor([[1.0, 0.2, 0.0]], requires_grad=True), ITEMS[:1]
    measure = preferdiff.ERRORS[error]
    for _ in range(steps):
        (slope,) = torch.autograd.grad(-measure(guess, centre).sum(), guess)
        guess = (guess - 0.5 * slope).detach().requires_grad_()
    return float(measure(guess.detach(), centre))


def test_the_error_of_negatives_is_bounded_by_cosine_and_diverges_by_mse():
    assert 3.9 < least("cosine_squared") <= 4 + 1e-5
    assert 1.9 < least("cosine") <= 2 + 1e-5
    assert least("mse", 20) < 1e6 < least("mse", 100)


def test_lambda_1_is_dreamrec_whatever_the_negatives():
    alone = fit_of("preferdiff(weight=1)")
    batch = next(iter(alone.batches.epoch(rng.stream(0, "batches"))))
    first = alone.step(batch, 1, 1)
    other = fit_of("popularity(negatives=8)+preferdiff(weight=1)").step(batch, 1, 1)
    assert first.used.n == 0 and other.used.n == 8
    expected = preferdiff.cosine_squared(first.step.view.query, first.step.view.positive)
    assert torch.equal(first.rows, expected) and torch.equal(first.rows, other.rows)


@pytest.mark.parametrize(
    "method", ["preferdiff", "popularity(negatives=4)+preferdiff", "in_batch+preferdiff", "random"]
)
def test_every_weight_of_the_backbone_moves_in_a_step(method):
    fit = fit_of(method)
    before = {name: p.detach().clone() for name, p in fit.backbone.named_parameters()}
    batch = Sequences(CONTEXT.train, 16, 6).batch(torch.arange(16))
    assert torch.isfinite(fit.step(batch, 1, 1).loss)
    still = [n for n, p in fit.backbone.named_parameters() if torch.equal(before[n], p)]
    assert not still


def test_the_negatives_get_a_gradient_through_their_centroid():
    outcome = fit_of("random(negatives=3)+preferdiff")
    batch = Sequences(CONTEXT.train, 16, 6).batch(torch.arange(16))
    leaves = outcome.step(batch, 1, 1).step.view.leaves
    reached = [rows.grad for _, rows in leaves.rows if rows.grad is not None]
    assert len(reached) == 1 and reached[0].abs().sum() > 0


def test_it_learns_and_tells_its_errors():
    fit = fit_of("preferdiff", replace(SMALL, lr=0.01), epochs=12)
    rows = fit.run().rows
    assert rows[-1]["loss"] < 0.8 * rows[0]["loss"]
    assert rows[-1]["error_positive"] < 0.5 * rows[-1]["error_negative"]
    assert {"snr", "item_cosine"} <= rows[-1].keys()


@pytest.mark.parametrize(
    "method,least,most",
    [
        ("preferdiff", -0.2, 0.2),
        ("preferdiff(weight=1)", 0.6, 1.0),
    ],
)
def test_without_negatives_items_collapse_and_with_them_they_do_not(method, least, most):
    """The table is a target itself: what is easiest to denoise is one vector for all items."""
    config = replace(SMALL, dim=16, steps=500, stride=100, lr=0.01)
    assert least < fit_of(method, config, epochs=25).run().rows[-1]["item_cosine"] < most


def test_it_is_refused_where_there_is_no_denoiser():
    with pytest.raises(UserError, match="needs denoiser"):
        negbench.attach("preferdiff", [0, 0, 1], [0, 1, 2])
    with pytest.raises(ValueError, match="provides no denoiser"):
        loss_of(preferdiff.Config(), view_of(None), Negatives())


@pytest.mark.parametrize(
    "wrong", ["weight=1.1", "gamma=0", "error=l1", "reduction=sum", "others=items", "targets=first"]
)
def test_what_is_no_loss_is_refused(wrong):
    with pytest.raises(UserError, match=f"{wrong.partition('=')[0]}.* must be"):
        recipe(f"preferdiff({wrong})")


def test_a_recipe_moves_the_negatives_and_keeps_the_loss():
    method = recipe("preferdiff+dns(candidates=5)").build()
    assert isinstance(method.objective, preferdiff.Preference) and len(method.stages) == 1
    outcome = fit_of("preferdiff+dns(candidates=5)").step(
        Sequences(CONTEXT.train, 16, 6).batch(torch.arange(16)), 1, 1
    )
    assert outcome.drawn.n == 5 and outcome.used.n == 1
