"""NAPO: passes counted, the stages, the frozen reference, sharing and its error, resuming."""

import importlib
import math

import pytest
import torch
from helpers.toy_data import small_context

import negbench
from negbench.backbones import gru4rec, lightgcn, mf, sasrec, tiny_lm
from negbench.composition import recipe
from negbench.errors import UserError
from negbench.ops import rng
from negbench.plugins.term_syntax import config_of
from negbench.protocol.step import Step
from negbench.testing import CHECKS, conforms
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit
from negbench.training.forward import forward

napo = importlib.import_module("negbench.methods.napo.method")
WORLD = small_context()
SAS = sasrec.Config(dim=8, length=6, batch_size=16, dropout=0.0, init=0.5, lr=0.01)
LM = tiny_lm.Config(dim=8, length=6, batch_size=16, dropout=0.0, init=0.5, lr=0.01)
GRU = gru4rec.Config(dim=8, hidden=8, length=6, batch_size=16, dropout=0.0)
BACKBONES = {
    "sasrec": (sasrec, SAS),
    "tiny_lm": (tiny_lm, LM),
    "gru4rec": (gru4rec, GRU),
    "mf": (mf, mf.Config(dim=8, batch_size=64)),
    "lightgcn": (lightgcn, lightgcn.Config(dim=8, batch_size=64)),
}


def fit_of(method, backbone="sasrec", epochs=1, context=WORLD):
    module, config = BACKBONES[backbone]
    model = module.build(config, context, rng.stream(0, "init"))
    return Fit(recipe(method).build(), model, context, TrainConfig(epochs=epochs))


def stepped(method, backbone="sasrec", number=1):
    """A fit whose reference is its first weights, after one step."""
    fit = fit_of(method, backbone)
    fit.refresh(1)
    batch = next(iter(fit.batches.epoch(rng.stream(0, "batches"))))
    return fit, fit.step(batch, 1, number)


SETTINGS = [
    "napo(sft_epochs=0)",
    "napo(sft_epochs=0,share=exact,reference=sft,rho=1,margin=per_negative,similarity=cosine)",
    "napo(sft_epochs=0,loss=s_dpo)",
    "napo(sft_epochs=0,loss=simpo,grad_negatives=false)",
    "napo(sft_epochs=0,group=3,aux=shuffled,aggregate=mean)",
    "in_batch+napo(sft_epochs=0,rho=0)",
]


@pytest.mark.parametrize("method", SETTINGS)
def test_every_setting_conforms_past_its_first_stage(method):
    for check in CHECKS:
        conforms(method, check)


@pytest.mark.parametrize("backbone", ["sasrec", "tiny_lm"])
def test_passes_do_not_grow_with_negatives_sharing_or_groups(backbone, monkeypatch):
    """One of the policy and one of the frozen copy, or none where nothing reads it."""
    calls = []
    kind = type(fit_of("random", backbone).backbone)
    plain = kind.encoder
    monkeypatch.setattr(kind, "encoder", lambda self, *a: calls.append(self) or plain(self, *a))
    counts = {}
    for wanted, method in [
        (1, "napo(sft_epochs=1)"),
        (1, "napo(sft_epochs=0,loss=simpo)"),
        (2, "napo(sft_epochs=0,loss=dpo)"),
        (2, "napo(sft_epochs=0,loss=s_dpo,negatives=15)"),
        (2, "napo(sft_epochs=0)"),
        (2, "napo(sft_epochs=0,negatives=1,rho=0)"),
        (2, "napo(sft_epochs=0,negatives=15,rho=1,group=32,share=exact,reference=sft)"),
    ]:
        fit = fit_of(method, backbone)
        fit.refresh(1)
        batch = next(iter(fit.batches.epoch(rng.stream(0, "batches"))))
        calls.clear()
        fit.step(batch, 1, 2)
        counts[method] = (len(calls), wanted)
    assert all(passes == wanted for passes, wanted in counts.values()), counts


def test_the_first_stage_is_the_full_cross_entropy():
    fit = fit_of("napo")
    fit.refresh(1)
    batch = next(iter(fit.batches.epoch(rng.stream(0, "batches"))))
    view = fit.backbone.view(batch, rng.stream(0, "b"))
    step = Step(batch, view, fit.context, 1, 1, rng.stream(0, "negatives"))
    rows = forward(fit.method, step).rows.detach()
    table = (view.query @ view.items.T).detach()
    expected = torch.nn.functional.cross_entropy(table, batch.items, reduction="none")
    torch.testing.assert_close(rows, expected)
    assert fit.method.objective.reference.frozen is None
    metrics = fit.method.objective.epoch_metrics()
    assert metrics["supervised"] == 1 and metrics["log_pi"] == pytest.approx(
        -float(expected.mean())
    )


@pytest.mark.parametrize("loss,expected", [("dpo", math.log(2)), ("s_dpo", math.log(4))])
def test_a_policy_that_is_its_reference_loses_the_log_of_the_pool_and_itself(loss, expected):
    _, outcome = stepped(f"napo(sft_epochs=0,loss={loss})")
    torch.testing.assert_close(outcome.rows.detach(), torch.full_like(outcome.rows, expected))


def test_with_a_reference_and_sharing_it_is_the_log_of_one_plus_the_pool():
    _, outcome = stepped("napo(sft_epochs=0,reference=sft,margin=off,mask_false=false,group=4)")
    rows = outcome.rows.detach()
    assert rows.max() == pytest.approx(math.log(1 + 3 * (1 + 2)), rel=1e-5)


def test_the_second_stage_takes_smaller_steps():
    fit, sizes = fit_of("napo(sft_epochs=1,pace=0.25)", epochs=2), []
    fit.run(on_epoch=lambda row: sizes.append(fit.optimisers[0].param_groups[0]["lr"]))
    assert sizes == pytest.approx([SAS.lr, SAS.lr / 4])


def test_the_copy_is_frozen_once_after_its_epochs():
    fit = fit_of("napo(sft_epochs=2,loss=s_dpo)", epochs=4)
    reference = fit.method.objective.reference
    rows = [fit.epoch(), fit.epoch()]
    assert reference.frozen is None
    after = {name: p.clone() for name, p in fit.backbone.state_dict().items()}
    rows += [fit.epoch(), fit.epoch()]
    kept = reference.frozen.state_dict()
    assert all(torch.equal(kept[name], p) for name, p in after.items())
    assert [row["supervised"] for row in rows] == [1, 1, 0, 0]
    assert rows[2]["loss"] < math.log(4), "gains over the copy are learnt at once"


@pytest.mark.parametrize("loss", ["napo", "s_dpo", "simpo"])
@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_resumed_run_goes_on_bit_for_bit(loss, stop):
    """Before, at and after the freeze."""
    method = f"napo(sft_epochs=2,loss={loss})"
    whole, first, second = (fit_of(method) for _ in range(3))
    for _ in range(4):
        whole.epoch()
    for _ in range(stop):
        first.epoch()
    second.load_state_dict(first.state_dict())
    for _ in range(4 - stop):
        second.epoch()
    assert torch.equal(whole.backbone.table, second.backbone.table)


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize("loss", ["napo", "s_dpo", "dpo", "simpo", "softmax"])
def test_every_weight_moves_on_every_backbone(backbone, loss):
    fit = fit_of(f"napo(sft_epochs=0,loss={loss})", backbone)
    before = {name: p.detach().clone() for name, p in fit.backbone.named_parameters()}
    assert math.isfinite(fit.epoch()["loss"])
    still = [n for n, p in fit.backbone.named_parameters() if torch.equal(before[n], p)]
    assert not still


def test_the_control_permutes_the_auxiliary_scores_over_items():
    plain, other = (
        stepped(f"napo(sft_epochs=0,margin=per_negative,aux={aux})")[1].rows.detach()
        for aux in ("frozen", "shuffled")
    )
    assert not torch.allclose(plain, other)
    alike = [
        stepped(f"napo(sft_epochs=0,margin=fixed,aux={aux})")[1].rows.detach()
        for aux in ("frozen", "shuffled")
    ]
    assert torch.equal(*alike)


def test_as_released_no_negative_is_pushed():
    for grad, wanted in (("true", True), ("false", False)):
        _, outcome = stepped(f"napo(sft_epochs=0,grad_negatives={grad})")
        own = next(rows for ids, rows in outcome.step.view.leaves.rows if ids is outcome.used.ids)
        reached = own.grad is not None and bool(own.grad.any())
        assert reached == wanted


def test_what_trains_the_copy_is_the_train_part():
    """The feed of either stage, and so of the auxiliary model, holds no pair from elsewhere."""
    fit = fit_of("napo")
    pairs = {
        (u, i)
        for batch in fit.batches.epoch(rng.stream(0, "batches"))
        for u, i in zip(batch.users.tolist(), batch.items.tolist(), strict=True)
    }
    train = set(zip(WORLD.train.rows.tolist(), WORLD.train.indices.tolist(), strict=True))
    assert pairs and pairs <= train


def test_names_are_settings_and_every_flag_can_be_set_beside_them():
    settings = napo.Config(loss="s_dpo", negatives=33).resolved()
    assert (settings["reference"], settings["negatives"], settings["rho"]) == ("sft", 33, 0.0)
    assert napo.Config().flags().margin == "batch"
    alike = [
        stepped(f"napo(sft_epochs=0,{more})")[1].rows.detach()
        for more in (
            "loss=s_dpo,negatives=1",
            "loss=dpo",
            "rho=0,reference=sft,margin=off,negatives=1",
        )
    ]
    assert torch.equal(alike[0], alike[1]) and torch.equal(alike[0], alike[2])


def test_the_released_settings():
    config = config_of(napo, {"preset": "released"}, "napo")
    settings = config.resolved()
    plain = {"reference": "off", "margin": "batch", "share": "approx", "similarity": "dot"}
    numbers = {"negatives": 3, "rho": 0.7, "beta": 1, "gamma": 1, "alpha": 0.3, "momentum": 0.9}
    assert {name: settings[name] for name in (*plain, *numbers)} == {**plain, **numbers}
    off = "grad_negatives", "mask_false", "clamp", "standardise"
    assert settings["group"] == 16 and settings["mean_first"]
    assert not any(settings[name] for name in off)
    fit, outcome = stepped("napo(preset=released,sft_epochs=0)")
    assert math.isfinite(float(outcome.loss.detach())) and fit.method.objective.margin.mean_first


@pytest.mark.parametrize(
    "wrong",
    [
        "rho=2",
        "beta=0",
        "negatives=0",
        "group=0",
        "loss=grpo",
        "momentum=1",
        "sft_epochs=-1",
        "pace=0",
    ],
)
def test_what_is_no_setting_is_refused(wrong):
    with pytest.raises(UserError, match=wrong.partition("=")[0]):
        recipe(f"napo({wrong})")


def test_it_logs_the_drift_the_margin_and_the_error_of_sharing():
    names = {"supervised", "log_pi", "gamma", "gamma_spread"}
    errors = {"share_gap", "loss_approx", "loss_exact"}
    for method, wanted in (("", names | errors), (",loss=s_dpo", names)):
        fit, outcome = stepped(f"napo(sft_epochs=0{method})")
        metrics = fit.method.objective.epoch_metrics()
        assert metrics.keys() == wanted and all(map(math.isfinite, metrics.values()))
        if errors <= metrics.keys():
            assert metrics["loss_approx"] == pytest.approx(
                float(outcome.rows.detach().mean()), rel=1e-5
            )
            assert metrics["share_gap"] > 0 and metrics["gamma_spread"] > 0
    assert metrics["gamma"] == metrics["gamma_spread"] == 0


def test_another_source_fills_the_pools():
    fit, outcome = stepped("popularity(negatives=5)+napo(sft_epochs=0,group=4)")
    assert outcome.used.ids.shape[1] == 5
    assert fit.method.objective.epoch_metrics()["share_gap"] > 0


def test_sharing_is_refused_for_one_pool_of_all_rows():
    with pytest.raises(UserError, match="rho=0"):
        stepped("in_batch+napo(sft_epochs=0)")


def test_a_table_beyond_the_cells_is_refused():
    with pytest.raises(UserError, match="cells"):
        stepped("napo(cells=10)")


def test_a_loop_that_cannot_freeze_is_refused():
    loss = negbench.attach("napo(sft_epochs=1)", [0, 0, 1], [0, 1, 2])
    items = torch.randn(3, 4, generator=rng.stream(3, "items"))
    loss.epoch(items)
    with pytest.raises(UserError, match="freeze"):
        loss.epoch(items)
