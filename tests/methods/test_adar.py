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
from negbench.testing.toy_data import Play, usual, without_remainder
from negbench.training.fit import Fit, TrainConfig
from negbench.training.forward import Outcome

VARIANTS = [
    "",
    "mode=reverse",
    "mode=reverse,denoiser=untrained",
    "mode=bridge,ahead=0.5",
    "mode=snap",
    "mode=snap,pool=0",
    "noise=isotropic,w=1",
    "mode=snap,w=1",
    "bound=max,rule=boundary",
    "bound=mean,rule=quantile,discrete=true",
    "rule=snr,detach=false",
    "rule=violation,schedule=cosine",
    "rule=fixed,at=0.25",
    "rule=random,mode=reverse,stride=7",
]


def play(settings: str = "", objective: str | None = None) -> Play:
    text = f"adar(warmup=0,{settings})" if settings else "adar(warmup=0)"
    made = Play(recipe(text, objective).build(), usual())
    made.refresh(1)
    return made


def outcome(settings: str = "", objective: str | None = None) -> Outcome:
    return play(settings, objective).forward()


@pytest.mark.parametrize("settings", VARIANTS)
def test_every_variant_conforms(settings):
    conforms(f"adar(warmup=0,{settings})" if settings else "adar(warmup=0)")


@pytest.mark.parametrize("settings", ["warmup=5", "w=0,warmup=0"])
def test_without_virtual_negatives_it_is_random(settings):
    plain = Play(recipe("random").build(), usual()).forward()
    mine = Play(recipe(f"adar({settings})").build(), usual()).forward()
    assert torch.equal(mine.rows, plain.rows) and torch.equal(mine.used.ids, plain.used.ids)


@pytest.mark.parametrize("objective", ["bpr", "bce", "hinge"])
@pytest.mark.parametrize("w", [0.2, 0.5, 0.9])
def test_the_mixture_is_two_losses(objective, w):
    made = outcome(f"w={w}", objective)
    real, virtual = made.s_neg[:, :1], made.s_neg[:, 1:]
    assert torch.equal(real, made.step.score(made.drawn))
    rows = recipe("random", objective).build().objective.rows
    here = (rows(made.step, made.s_pos, s, Negatives(made.drawn.ids)) for s in (real, virtual))
    first, second = here
    mask = made.drawn.mask.squeeze(1) if made.drawn.mask is not None else slice(None)
    assert torch.allclose(made.rows[mask], ((1 - w) * first + w * second)[mask], atol=1e-5)


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
    made = outcome("w=0.3", "softmax")
    assert torch.equal(made.used.logq[:, 0], made.used.logq[:, 1])
    assert bool(torch.isfinite(made.rows).all())


def test_gradient_flows_where_it_should():
    for detach in (True, False):
        made = outcome(f"w=1,r_max=0.5,rule=fixed,at=0.2,detach={str(detach).lower()}")
        made.loss.backward()
        leaves = made.step.view.leaves
        assert not leaves.rows  # no other item is touched
        # d softplus(s_x - s_i) / d e_i = -sigma e_u / B, times 1 - r where x* is alive
        r = float(process.snr_matched(50, 0.01).r[10])
        sigma = torch.sigmoid(made.s_neg.squeeze(1) - made.s_pos).unsqueeze(1)
        want = -sigma * leaves.query / len(sigma) * (1 if detach else 1 - r)
        assert torch.allclose(leaves.positive.grad, want, atol=1e-6)


def test_the_noise_loss_reaches_the_network_alone():
    here = play("mode=reverse")
    made = here.forward()
    made.losses["noise"].backward()
    leaves = made.step.view.leaves
    assert leaves.query.grad is None and leaves.positive.grad is None
    assert any(p.grad is not None and bool(p.grad.any()) for p in here.down)
    here = play("mode=reverse")
    (made := here.forward()).rows.mean().backward()
    assert all(p.grad is None for p in here.down) and bool(made.step.view.leaves.query.grad.any())


def test_the_untrained_control_learns_nothing_and_walks_otherwise():
    control, taught = play("mode=reverse,denoiser=untrained"), play("mode=reverse")
    assert not control.down and len(taught.down) == 4
    assert "noise" not in control.forward().losses
    weights = [v for name, v in control.method.stages[0].state_dict().items() if "last" in name]
    assert all(bool(v.any()) for v in weights)


def test_gated_rows_are_pure_noise_and_said_to_be():
    made = play("z=50")  # a bound that no positive reaches
    made.forward()
    told = made.method.stages[0].epoch_metrics()
    assert told["gated"] == 1 and told["r_mean"] == 0 and told["t_mean"] == 50
    assert made.method.stages[0].epoch_metrics() == {
        "snr_T": told["snr_T"]
    }  # asked once, then anew


def test_what_is_told_is_what_was_made():
    here = play("rule=fixed,at=0.4")
    made = here.forward()
    told = here.method.stages[0].epoch_metrics()
    above = float((made.s_neg[:, 1] > made.s_pos).float().mean())
    assert told["violation"] == pytest.approx(above) and told["t_mean"] == 20
    assert told["snr_T"] == pytest.approx(0.01, rel=1e-4) and told["gated"] == 0
    assert told["r_mean"] == pytest.approx(float(process.snr_matched(50, 0.01).r[20]))


def test_the_violation_rate_is_the_one_asked_for():
    eta = 0.2
    here = play(f"rule=violation,eta={eta}")
    hits = rows = 0
    for number in range(300):
        made = here.forward(number)
        stage, step = here.method.stages[0], made.step
        open_ = stage.chosen(step, stage.look(step), step.view.query) > 0
        hits += int((made.s_neg[:, 1] > made.s_pos)[open_].sum())
        rows += int(open_.sum())
    assert rows > 500 and hits / rows == pytest.approx(eta, abs=4 * (eta / rows) ** 0.5)


def test_snapping_takes_the_nearest_item_that_the_user_has_not_had():
    here = play("mode=snap,pool=0,rule=fixed,at=0.1")
    step = here.step()
    stage = here.method.stages[0]
    drawn = here.method.sampler.sample(step)
    state = step.generator.get_state()
    used = stage.apply(step, drawn)
    step.generator.set_state(state)
    x, _ = stage.made(step, stage.look(step), step.view.positive, step.view.query)
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
        made = Play(recipe(f"adar(warmup=0,mode=snap,pool={pool})").build(), without_remainder())
        used = made.forward().used
        full = made.forward().step.batch.users == 3
        assert not used.mask[full].any() and used.mask[~full].all()


def test_under_a_cosine_it_works_on_normed_vectors():
    here = play("rule=fixed,at=0.2")
    here.tables.kind = Similarity("cosine", 0.2)
    made = here.forward()
    mean = torch.nn.functional.normalize(made.step.view.items, dim=-1).mean(0)
    assert torch.allclose(here.method.stages[0].catalogue.mean, mean, atol=1e-6)
    assert float(made.s_neg.detach().abs().max()) <= 5.001


BACKBONES = {"mf": mf, "lightgcn": lightgcn, "sasrec": sasrec, "gru4rec": gru4rec}


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize("settings", ["", "mode=reverse", "mode=snap"])
def test_it_trains_on_every_backbone(name, settings):
    context = small_context()
    module = BACKBONES[name]
    start = {"dim": 8, "batch_size": 64}
    made = module.build(module.Config(**start), context, rng.stream(0, "init"))
    text = f"adar(warmup=1,{settings})" if settings else "adar(warmup=1)"
    fit = Fit(recipe(text).build(), made, context, TrainConfig(epochs=3))
    fit.run()
    first, *rest = fit.progress.rows
    assert "snr_T" in first and "violation" not in first  # the warm-up makes nothing
    for row in rest:
        assert 0 <= row["violation"] <= 1 and 0 <= row["r_mean"] <= 0.95 and row["t_mean"] >= 1


def toy(seed: int, users: int = 300, items: int = 200):
    """A world of few tastes and a popularity that differs: what spec's toy measures collapse on."""
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
    made = mf.build(config, context, rng.stream(0, "init"))
    Fit(recipe(method).build(), made, context, TrainConfig(epochs=60)).run()
    items = torch.nn.functional.normalize(made.table.detach()[context.n_users :], dim=1)
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
