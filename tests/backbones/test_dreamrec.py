"""DreamRec: what every reader of histories keeps to, the guess, the way back from noise."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from helpers.backbone_steps import assert_same, batch_of, gradients, loss_of, without_global_state
from helpers.sequence_backbone_checks import (
    WORLD,
    check_causality,
    check_cut,
    check_padding,
    check_penalty,
    check_smallest,
    fresh,
)

from negbench.backbones import dreamrec
from negbench.data.interactions import Csr
from negbench.experiment.cell.spec import CellSpec, unfit
from negbench.ops import rng
from negbench.plugins.term_syntax import config_of
from negbench.protocol.step import Batch
from negbench.scenario.scenario import prepare

DROPS = dreamrec.Config(
    dim=8, heads=2, length=6, dropout=0.3, steps=60, stride=20, drop=0.2, init=0.5
)
PLAIN = replace(DROPS, dropout=0.0, drop=0.0)
COSINE = replace(DROPS, similarity="cosine", temperature=0.2)


def loss_with_denoiser(view, negatives):
    """Scores, and what is made of a centroid whose rows carry gradient themselves."""
    predicted = view.denoise(view.rows(negatives.ids).mean(1))
    return loss_of(view, negatives) + predicted.pow(3).sum(1).mean()


@pytest.mark.parametrize("kind", ["one", "four", "many", "shared"])
@pytest.mark.parametrize("config", [PLAIN, DROPS, COSINE], ids=["dot", "drops", "cosine"])
def test_cut_equals_autograd(config, kind):
    if config is PLAIN:  # no condition is dropped, and the null has nothing to learn
        cut, plain = (gradients(dreamrec, PLAIN, WORLD, kind, cut=cut) for cut in (True, False))
        assert cut.pop("guess.null") is None and plain.pop("guess.null") is None
        assert_same(cut, plain)
    else:
        check_cut(dreamrec, config, kind)


@pytest.mark.parametrize("kind", ["one", "four", "many"])
def test_cut_equals_autograd_through_the_denoiser(kind):
    cut, plain = (
        gradients(dreamrec, DROPS, WORLD, kind, cut=cut, loss=loss_with_denoiser)
        for cut in (True, False)
    )
    assert_same(cut, plain)


def test_the_denoiser_alone_reaches_the_encoder():
    actual = gradients(
        dreamrec, DROPS, WORLD, "one", cut=True, loss=lambda view, _: view.denoise(view.query).sum()
    )
    assert all(gradient.abs().sum() > 0 for gradient in actual.values())


def test_padding_changes_nothing():
    check_padding(dreamrec, replace(DROPS, dropout=0.0, length=25))


def test_a_later_item_changes_no_earlier_query():
    check_causality(dreamrec, PLAIN)


def test_penalty_equals_its_formula():
    check_penalty(dreamrec, DROPS, replace(DROPS, l2=0.3), 0.3)


def test_one_user_and_two_items():
    check_smallest(dreamrec, replace(DROPS, drop=1.0))


def test_draws_come_from_the_generator_alone():
    first, second = without_global_state(dreamrec, DROPS, WORLD)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_guess_equals_its_formula():
    backbone = fresh(dreamrec, PLAIN)
    guess, g = backbone.guess, rng.stream(0, "x")
    x, c = torch.randn(3, 8, generator=g), torch.randn(3, 8, generator=g)
    for t in (1, 37):
        angle = t * 10_000.0 ** (-torch.arange(16) / 16)
        time = guess.late(F.silu(guess.early(torch.cat([angle.sin(), angle.cos()]))))
        for row in range(3):
            by_hand = (
                guess.out.weight @ torch.cat([x[row] / backbone.unit, c[row], time])
                + guess.out.bias
            )
            actual = backbone.predicted(x, c, torch.tensor([t]))[row]
            torch.testing.assert_close(actual, by_hand * backbone.unit)


def test_the_query_is_the_guess_from_the_noised_positive():
    backbone = fresh(dreamrec, PLAIN)
    batch, b = batch_of(backbone, WORLD), rng.stream(0, "b")
    view = backbone.view(batch, rng.stream(0, "b"), cut=False)
    condition = backbone.read(batch, b)
    t = torch.randint(1, 61, (len(batch),), generator=b)
    noise = backbone.unit * torch.randn(2, *condition.shape, generator=b)
    keep = backbone.diffusion.abar[t].unsqueeze(1).float()
    for vectors, eps, actual in (
        (view.positive, noise[0], view.query),
        (view.items[:1].expand_as(condition), noise[1], None),
    ):
        x = keep.sqrt() * vectors + (1 - keep).sqrt() * eps
        predicted = view.denoise(vectors) if actual is None else actual
        torch.testing.assert_close(predicted, backbone.predicted(x, condition, t))
    assert torch.equal(view.denoise(view.items[batch.items]), view.denoise(view.positive))


@pytest.mark.parametrize("p", [0.0, 0.4, 1.0])
def test_conditions_are_dropped_as_often_as_said_and_only_in_training(p):
    backbone = fresh(dreamrec, replace(PLAIN, drop=p))
    condition = torch.ones(20_000, 8)
    null = (backbone.dropped(condition, rng.stream(0, "b")) == backbone.guess.null).all(1)
    assert abs(null.float().mean() - p) < 0.02
    assert torch.equal(backbone.eval().dropped(condition, rng.stream(0, "b")), condition)


def test_without_conditions_the_history_is_not_read():
    backbone = fresh(dreamrec, replace(PLAIN, drop=1.0))
    rows = torch.zeros(4, dtype=torch.long)
    one, two = (
        backbone.view(Batch(rows, rows, ids.view(1, 4), torch.arange(4)), rng.stream(0, "b")).query
        for ids in (torch.tensor([1, 2, 3, 4]), torch.tensor([9, 8, 7, 6]))
    )
    assert torch.equal(one, two)


def test_guidance_is_the_condition_alone_at_0_and_nothing_without_a_condition():
    backbone, t = fresh(dreamrec, PLAIN), torch.tensor([7])
    x, c = torch.randn(2, 3, 8, generator=rng.stream(0, "x"))
    given, null = backbone.predicted(x, c, t), backbone.predicted(x, backbone.guess.null, t)
    for w in (0.0, 2.0, 8.0):
        backbone.config = replace(PLAIN, guidance=w)
        torch.testing.assert_close(backbone.guided(x, c, t), (1 + w) * given - w * null)
        free = backbone.guided(x, backbone.guess.null.expand(3, -1), t)
        torch.testing.assert_close(free, null, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("stride", [1, 7, 60])
def test_with_an_oracle_the_way_back_ends_at_the_clean_vector(stride):
    backbone = fresh(dreamrec, replace(PLAIN, stride=stride))
    clean, noise = torch.randn(2, 5, 8, generator=rng.stream(0, "x"))
    backbone.guided = lambda x, condition, t: clean
    torch.testing.assert_close(backbone.generate(clean, noise), clean)


def test_the_way_back_has_the_released_21_steps():
    backbone = fresh(dreamrec, dreamrec.Config(dim=8))
    assert backbone.path == [*range(2000, 0, -100), 1, 0]
    assert fresh(dreamrec, replace(PLAIN, stride=7)).path == [*range(60, 0, -7), 1, 0]
    assert fresh(dreamrec, replace(PLAIN, stride=1)).path == [*range(60, -1, -1)]


def test_a_table_of_zeros_is_finite_and_so_are_the_smallest_vectors_allowed():
    zeros, tiny = fresh(dreamrec, PLAIN), fresh(dreamrec, replace(PLAIN, init=1e-6))
    zeros.table.data.zero_()
    for backbone in (zeros, tiny):
        batch = batch_of(backbone, WORLD)
        view = backbone.view(batch, rng.stream(0, "b"), cut=False)
        view.query.sum().backward()
        assert all(
            bool(p.grad.isfinite().all()) for p in backbone.parameters() if p.grad is not None
        )
        ranked = backbone.eval().encode(WORLD.train).query(torch.arange(WORLD.n_users))
        assert bool(view.query.isfinite().all()) and bool(ranked.isfinite().all())


def test_the_presets_are_the_released_settings():
    for name, guidance in (("released", 8), ("released_toys", 6), ("released_sports", 2)):
        c = config_of(dreamrec, {"preset": name}, "dreamrec")
        assert (c.dim, c.length, c.batch_size, c.lr, c.init) == (3072, 10, 256, 1e-4, 1.0)
        assert (c.steps, c.stride, c.schedule, c.drop) == (2000, 100, "linear", 0.1)
        assert (c.guidance, c.blocks, c.heads, c.dropout, c.l2) == (guidance, 1, 2, 0.1, 0)


def test_ranking_is_the_same_twice_and_by_any_block_of_users():
    train = Csr.of([0, 0, 0, 2] + [3] * 9, [5, 1, 2, 7, *range(9)], n_rows=4, n_columns=30)
    backbone = fresh(dreamrec, DROPS).eval()
    users = torch.tensor([3, 1, 0, 2])
    query = backbone.encode(train).query
    actual = query(users)
    assert torch.equal(actual, backbone.encode(train).query(users))
    for row, user in enumerate(users):
        torch.testing.assert_close(actual[row], query(user.view(1))[0], atol=1e-5, rtol=1e-4)
    assert actual[1].abs().sum() == 0, "a user without history must tie all items"
    assert (actual[[0, 2, 3]].abs().sum(1) > 0).all()
    other = dreamrec.build(DROPS, replace(WORLD, seed=1), rng.stream(0, "init")).eval()
    assert not torch.equal(actual, other.encode(train).query(users))


def test_what_is_ranked_by_is_generated_from_the_latest_items():
    backbone = fresh(dreamrec, DROPS).eval()
    history = torch.from_numpy(WORLD.train.row(4)[-6:].astype("int64"))
    rows = torch.arange(len(history))
    condition = backbone.read(Batch(rows, rows, history.unsqueeze(0), rows), rng.stream(0, "b"))
    noise = torch.randn(WORLD.n_users, 8, generator=rng.stream(WORLD.seed, "inference"))
    actual = backbone.encode(WORLD.train).query(torch.tensor([4]))
    with torch.no_grad():
        expected = backbone.generate(condition[-1:], noise[4:5] * backbone.unit)
    torch.testing.assert_close(actual, expected, atol=1e-5, rtol=1e-4)


def test_it_tells_how_near_its_items_have_come():
    backbone = fresh(dreamrec, PLAIN)
    items = F.normalize(backbone.table.detach()[: WORLD.n_items], dim=1)
    pairs = [items[i] @ items[j] for i in range(len(items)) for j in range(len(items)) if i != j]
    assert backbone.epoch_metrics()["item_cosine"] == pytest.approx(
        float(sum(pairs)) / len(pairs), abs=1e-5
    )
    last, table = float(backbone.diffusion.abar[-1]), backbone.table.detach()[: WORLD.n_items]
    ratio = float(table.var(0).mean() / table.square().mean())
    assert backbone.epoch_metrics()["snr"] == pytest.approx(last / (1 - last) * ratio, rel=1e-4)
    backbone.table.data[:] = 3.0
    assert backbone.epoch_metrics()["item_cosine"] == pytest.approx(1.0)


def test_data_without_an_order_are_refused():
    reason = unfit(CellSpec("kuairec", "dreamrec", "random"), prepare("kuairec"))
    assert reason == "backbone dreamrec needs order, which kuairec does not provide"


@pytest.mark.parametrize(
    "wrong",
    [
        {"heads": 3},
        {"dropout": 1.0},
        {"drop": 1.1},
        {"length": 0},
        {"steps": 1, "stride": 1},
        {"stride": 61},
        {"guidance": -1.0},
        {"init": 0.0},
        {"init": 1e-30},
    ],
)
def test_what_cannot_be_built_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(PLAIN, **wrong)


def test_noise_grows_with_the_vectors():
    """Ten times longer vectors: what is guessed and ranked by is ten times longer, no more."""
    backbone = fresh(dreamrec, PLAIN)
    x, c = torch.randn(2, 3, 8, generator=rng.stream(0, "x"))
    before = backbone.generate(c, x * backbone.unit)
    backbone.table.data *= 10
    torch.testing.assert_close(backbone.generate(c, x * backbone.unit), 10 * before)
    assert backbone.epoch_metrics()["snr"] == pytest.approx(
        fresh(dreamrec, PLAIN).epoch_metrics()["snr"], rel=1e-4
    )
