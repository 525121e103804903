"""ADAR: the modes, the mixture, the gates, the network, the controls and the collapse."""

import pytest
import torch
from helpers.toy_data import context_of, small_context

from negbench.backbones import gru4rec, lightgcn, mf, sasrec
from negbench.composition import recipe
from negbench.data.interactions import Csr
from negbench.errors import UserError
from negbench.ops import rng
from negbench.parts.diffusion import process
from negbench.parts.losses.functions import bpr
from negbench.parts.selection.mix_negatives import join
from negbench.protocol import Negatives, Similarity
from negbench.testing import conforms
from negbench.testing.toy_data import TrainingHarness, saturated_context
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit
from negbench.training.forward import Outcome

VARIANTS = [
    "",
    "mode=reverse",
    "mode=reverse,denoiser=untrained",
    "mode=bridge,ahead=0.5",
    "mode=snap",
    "mode=snap,pool=0",
    "noise=isotropic,w=1",
    "noise=unit,mode=reverse",
    "mode=snap,w=1",
    "bound=max,rule=boundary",
    "bound=mean,rule=quantile,discrete=true",
    "rule=snr,detach=false",
    "rule=violation,schedule=cosine",
    "rule=fixed,at=0.25",
    "rule=random,mode=reverse,stride=7",
]


def harness(settings: str = "", objective: str | None = None) -> TrainingHarness:
    text = f"adar(warmup=0,{settings})" if settings else "adar(warmup=0)"
    trainer = TrainingHarness(recipe(text, objective).build())
    trainer.refresh(1)
    return trainer


def outcome(settings: str = "", objective: str | None = None) -> Outcome:
    return harness(settings, objective).forward()


@pytest.mark.parametrize("settings", VARIANTS)
def test_every_variant_conforms(settings):
    conforms(f"adar(warmup=0,{settings})" if settings else "adar(warmup=0)")


@pytest.mark.parametrize("settings", ["warmup=5", "w=0,warmup=0"])
def test_without_virtual_negatives_it_is_random(settings):
    plain = TrainingHarness(recipe("random").build()).forward()
    mine = TrainingHarness(recipe(f"adar({settings})").build()).forward()
    assert torch.equal(mine.rows, plain.rows) and torch.equal(mine.used.ids, plain.used.ids)


@pytest.mark.parametrize("objective", ["bpr", "bce", "hinge"])
@pytest.mark.parametrize("w", [0.2, 0.5, 0.9])
def test_the_mixture_is_two_losses(objective, w):
    result = outcome(f"w={w}", objective)
    real, virtual = result.s_neg[:, :1], result.s_neg[:, 1:]
    assert torch.equal(real, result.step.score(result.drawn))
    rows = recipe("random", objective).build().objective.rows
    ids = Negatives(result.drawn.ids)
    first, second = (rows(result.step, result.s_pos, s, ids) for s in (real, virtual))
    mask = result.drawn.mask.squeeze(1) if result.drawn.mask is not None else slice(None)
    assert torch.allclose(result.rows[mask], ((1 - w) * first + w * second)[mask], atol=1e-5)


def test_joining_keeps_the_shares_whatever_the_numbers():
    step = outcome().step
    rows = len(step.batch)
    ids = torch.arange(6).expand(rows, -1)
    vectors = torch.randn(rows, 2, 8, generator=rng.stream(1, "v"))
    for real in (Negatives(ids), Negatives(torch.arange(6), shared=True)):
        both = join(step, real, Negatives(vectors=vectors), 0.3)
        s_pos, s_neg = step.view.score_pair(step.view.positive), step.score(both)
        plain = step.score(real)
        want = 0.7 * bpr(s_pos, plain) + 0.3 * bpr(s_pos, s_neg[:, 6:])
        assert torch.allclose(s_neg[:, :6], plain, atol=1e-5)
        assert torch.allclose(bpr(s_pos, s_neg, both.logw.exp()), want, atol=1e-5)


def test_a_virtual_negative_is_proposed_as_its_row_is():
    result = outcome("w=0.3", "softmax")
    assert torch.equal(result.used.logq[:, 0], result.used.logq[:, 1])
    assert bool(torch.isfinite(result.rows).all())


def test_gradient_flows_where_it_should():
    for detach in (True, False):
        result = outcome(f"w=1,r_max=0.5,rule=fixed,at=0.2,detach={str(detach).lower()}")
        result.loss.backward()
        leaves = result.step.view.leaves
        assert not leaves.rows  # no other item is touched
        # d softplus(s_x - s_i) / d e_i = -sigma e_u / B, times 1 - r where x* is alive
        r = float(process.snr_matched(50, 0.01).r[10])
        sigma = torch.sigmoid(result.s_neg.squeeze(1) - result.s_pos).unsqueeze(1)
        want = -sigma * leaves.query / len(sigma) * (1 if detach else 1 - r)
        assert torch.allclose(leaves.positive.grad, want, atol=1e-6)


def test_the_noise_loss_reaches_the_network_alone():
    trainer = harness("mode=reverse")
    result = trainer.forward()
    result.losses["noise"].backward()
    leaves = result.step.view.leaves
    assert leaves.query.grad is None and leaves.positive.grad is None
    assert any(p.grad is not None and bool(p.grad.any()) for p in trainer.minimised)
    trainer = harness("mode=reverse")
    (result := trainer.forward()).rows.mean().backward()
    assert all(p.grad is None for p in trainer.minimised) and bool(
        result.step.view.leaves.query.grad.any()
    )


def test_the_untrained_control_learns_nothing_and_walks_otherwise():
    control, trained = harness("mode=reverse,denoiser=untrained"), harness("mode=reverse")
    assert not control.minimised and len(trained.minimised) == 4
    assert "noise" not in control.forward().losses
    weights = [v for name, v in control.method.stages[0].state_dict().items() if "last" in name]
    assert all(bool(v.any()) for v in weights)


def test_gated_rows_are_pure_noise_and_logged_as_such():
    trainer = harness("z=50")  # a bound that no positive reaches
    trainer.forward()
    metrics = trainer.method.stages[0].epoch_metrics()
    assert metrics["gated"] == 1 and metrics["r_mean"] == 0 and metrics["t_mean"] == 50
    assert trainer.method.stages[0].epoch_metrics() == {
        "snr_T": metrics["snr_T"]
    }  # asked once, then anew


def test_metrics_are_of_the_generated_negatives():
    trainer = harness("rule=fixed,at=0.4")
    result = trainer.forward()
    metrics = trainer.method.stages[0].epoch_metrics()
    above = float((result.s_neg[:, 1] > result.s_pos).float().mean())
    assert metrics["violation"] == pytest.approx(above) and metrics["t_mean"] == 20
    assert metrics["snr_T"] == pytest.approx(0.01, rel=1e-4) and metrics["gated"] == 0
    assert metrics["r_mean"] == pytest.approx(float(process.snr_matched(50, 0.01).r[20]))


def test_the_violation_rate_is_the_one_asked_for():
    eta = 0.2
    trainer = harness(f"rule=violation,eta={eta}")
    hits = rows = 0
    for number in range(300):
        result = trainer.forward(number)
        stage, step = trainer.method.stages[0], result.step
        open_ = stage.transition(step, stage.epoch_catalogue(step), step.view.query) > 0
        hits += int((result.s_neg[:, 1] > result.s_pos)[open_].sum())
        rows += int(open_.sum())
    assert rows > 500 and hits / rows == pytest.approx(eta, abs=4 * (eta / rows) ** 0.5)


def test_snapping_takes_the_nearest_item_that_the_user_has_not_had():
    trainer = harness("mode=snap,pool=0,rule=fixed,at=0.1")
    step = trainer.step()
    stage = trainer.method.stages[0]
    drawn = trainer.method.sampler.sample(step)
    state = step.generator.get_state()
    used = stage.apply(step, drawn)
    step.generator.set_state(state)
    x, _ = stage.generate(step, stage.epoch_catalogue(step), step.view.positive, step.view.query)
    assert used.vectors is None and used.ids.shape == (len(step.batch), 2)
    for b, (user, item) in enumerate(
        zip(step.batch.users.tolist(), step.batch.items.tolist(), strict=True)
    ):
        had = {item, *step.context.train.row(user).tolist()}
        free = [j for j in range(12) if j not in had]
        distance = {j: float((step.view.items[j] - x[b]).norm().detach()) for j in free}
        assert int(used.ids[b, 1]) == min(distance, key=distance.get)


def test_a_user_with_nothing_left_has_no_snapped_negative():
    for pool in (0, 4):
        trainer = TrainingHarness(
            recipe(f"adar(warmup=0,mode=snap,pool={pool})").build(), saturated_context()
        )
        used = trainer.forward().used
        full = trainer.forward().step.batch.users == 3
        assert not used.mask[full].any() and used.mask[~full].all()


def test_under_a_cosine_it_works_on_normed_vectors():
    trainer = harness("rule=fixed,at=0.2")
    trainer.tables.kind = Similarity("cosine", 0.2)
    result = trainer.forward()
    mean = torch.nn.functional.normalize(result.step.view.items, dim=-1).mean(0)
    assert torch.allclose(trainer.method.stages[0].catalogue.mean, mean, atol=1e-6)
    assert float(result.s_neg.detach().abs().max()) <= 5.001


BACKBONES = {"mf": mf, "lightgcn": lightgcn, "sasrec": sasrec, "gru4rec": gru4rec}


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize("settings", ["", "mode=reverse", "mode=snap"])
def test_it_trains_on_every_backbone(name, settings):
    context = small_context()
    module = BACKBONES[name]
    start = {"dim": 8, "batch_size": 64}
    backbone = module.build(module.Config(**start), context, rng.stream(0, "init"))
    text = f"adar(warmup=1,{settings})" if settings else "adar(warmup=1)"
    fit = Fit(recipe(text).build(), backbone, context, TrainConfig(epochs=3))
    fit.run()
    first, *rest = fit.progress.rows
    assert "snr_T" in first and "violation" not in first  # the warm-up makes nothing
    for row in rest:
        assert 0 <= row["violation"] <= 1 and 0 <= row["r_mean"] <= 0.95 and row["t_mean"] >= 1


def toy(seed: int, users: int = 300, items: int = 200):
    """A data set of few tastes and a skewed popularity: what spec's toy measures collapse on."""
    g = rng.stream(seed, "toy")
    p, q = (torch.randn(n, 6, generator=g) for n in (users, items))
    gumbel = -(-torch.rand(users, items, generator=g).log()).log()
    scores = p @ q.T + 0.8 * torch.randn(items, generator=g) + gumbel
    top = scores.topk(18, 1).indices
    rows = torch.arange(users).repeat_interleave(18)
    pairs = (rows.numpy(), top.reshape(-1).numpy())
    return context_of(Csr.of(*pairs, n_rows=users, n_columns=items), seed)


def alignment(method: str) -> float:
    """Mean cosine of two items after training."""
    context = toy(0)
    config = mf.Config(dim=16, batch_size=1024, lr=0.02, l2=0.01)
    backbone = mf.build(config, context, rng.stream(0, "init"))
    Fit(recipe(method).build(), backbone, context, TrainConfig(epochs=60)).run()
    items = torch.nn.functional.normalize(backbone.table.detach()[context.n_users :], dim=1)
    n = len(items)
    return float(((items @ items.T).sum() - n) / (n * (n - 1)))


def test_the_plain_forward_process_alone_collapses_and_the_default_does_not():
    assert alignment("adar(mode=forward,noise=isotropic,rule=fixed,at=0.4,w=1,warmup=0)") > 0.9
    assert alignment("adar") < 0.7
    assert alignment("adar(w=1,warmup=0)") < 0.7  # the catalogue's noise holds other items


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ("eta=0.5", "`eta` must lie between 0 and 0.5; got 0.5"),
        ("p=0", "`p` must lie between 0 and 1; got 0"),
        ("snr=0", "`snr` must lie between 0 and inf; got 0"),
        ("w=1.5", "`w` must be from 0 to 1; got 1.5"),
        ("candidates=0", "`candidates` must be at least 1; got 0"),
        ("pool=-1", "`pool` must be at least 0; got -1"),
        ("stride=60", "`stride` must be at most `steps`; got 60 > 50"),
        ("detach=false,mode=snap", "`detach=false` is for mode forward; got mode snap"),
        ("mode=backward", "mode"),
    ],
)
def test_settings_without_a_meaning_are_refused(settings, word):
    with pytest.raises(UserError, match=word):
        recipe(f"adar({settings})")
