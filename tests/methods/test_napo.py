"""NAPO: passes counted, the stages, the frozen reference, sharing and its error, resuming."""

import importlib
import math
from dataclasses import replace

import pytest
import torch
from worlds import small_world, world_of

import negbench
from negbench import rng
from negbench.backbones import gru4rec, lightgcn, mf, sasrec, tiny_lm
from negbench.errors import UserError
from negbench.interactions import Csr
from negbench.recipes import recipe
from negbench.step import forward
from negbench.testing import CHECKS, conforms
from negbench.train import Fit, TrainConfig
from negbench.values import Batch, Epoch, Negatives, Step
from negbench.view import View

napo = importlib.import_module("negbench.methods.napo")
WORLD = small_world()
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


def fit_of(method, backbone="sasrec", epochs=1, world=WORLD):
    module, config = BACKBONES[backbone]
    made = module.build(config, world, rng.stream(0, "init"))
    return Fit(recipe(method).build(), made, world, TrainConfig(epochs=epochs))


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
    assert all(found == wanted for found, wanted in counts.values()), counts


def test_the_first_stage_is_the_full_cross_entropy():
    fit = fit_of("napo")
    fit.refresh(1)
    batch = next(iter(fit.batches.epoch(rng.stream(0, "batches"))))
    view = fit.backbone.view(batch, rng.stream(0, "b"))
    step = Step(batch, view, fit.world, 1, 1, rng.stream(0, "negatives"))
    rows = forward(fit.method, step).rows.detach()
    table = (view.query @ view.items.T).detach()
    expected = torch.nn.functional.cross_entropy(table, batch.items, reduction="none")
    torch.testing.assert_close(rows, expected)
    assert fit.method.objective.reference.frozen is None
    told = fit.method.objective.told()
    assert told["supervised"] == 1 and told["log_pi"] == pytest.approx(-float(expected.mean()))


@pytest.mark.parametrize("loss,expected", [("dpo", math.log(2)), ("s_dpo", math.log(4))])
def test_a_policy_that_is_its_reference_loses_the_log_of_the_pool_and_itself(loss, expected):
    _, made = stepped(f"napo(sft_epochs=0,loss={loss})")
    torch.testing.assert_close(made.rows.detach(), torch.full_like(made.rows, expected))


def test_with_a_reference_and_sharing_it_is_the_log_of_one_plus_the_pool():
    _, made = stepped("napo(sft_epochs=0,reference=sft,margin=off,mask_false=false,group=4)")
    rows = made.rows.detach()
    assert rows.max() == pytest.approx(math.log(1 + 3 * (1 + 2)), rel=1e-5)


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


def played(config, queries, items, batch, ids, world):
    """The objective over given vectors, its copy frozen at the same ones."""
    part = napo.Preferred(config)
    part.begin(world)

    class Copy:
        def view(self, batch):
            return View(queries, items, items[batch.items])

    epoch = Epoch(1, world, items, None, View(queries, items, items).similarity, None, Copy)
    part.refresh(epoch)
    view = View(queries, items, items[batch.items])
    step = Step(batch, view, world, 1, 1, rng.stream(0, "negatives"))
    negatives = Negatives(ids)
    rows = part.rows(step, view.score_pair(view.positive), view.score_rows(ids), negatives)
    return rows, part.told()


G = torch.Generator().manual_seed(3)
ITEMS = torch.randn(9, 4, generator=G)
SHARE = napo.Config(sft_epochs=0, rho=1.0, margin="off", mask_false=False)


def test_one_user_repeated_shares_exactly():
    world = world_of(Csr.of([0, 0], [0, 1], n_rows=1, n_columns=9))
    batch = Batch(torch.zeros(5, dtype=torch.long), torch.tensor([0, 1, 0, 1, 1]))
    ids = torch.randint(2, 9, (5, 3), generator=G)
    queries = torch.randn(1, 4, generator=G).expand(5, -1)
    approx, told = played(SHARE, queries, ITEMS, batch, ids, world)
    exact, _ = played(replace(SHARE, share="exact"), queries, ITEMS, batch, ids, world)
    torch.testing.assert_close(approx, exact)
    assert told["share_gap"] == pytest.approx(0, abs=1e-5)


def test_the_error_of_sharing_against_a_loop():
    world = world_of(Csr.of([0, 1, 2, 3], [0, 1, 2, 3], n_rows=4, n_columns=9))
    batch = Batch(torch.arange(4), torch.arange(4))
    ids = torch.randint(4, 9, (4, 2), generator=G)
    queries = torch.randn(4, 4, generator=G)
    rows, told = played(SHARE, queries, ITEMS, batch, ids, world)
    log_pi = (queries @ ITEMS.T).log_softmax(1)
    gaps, losses = [], {"approx": [], "exact": []}
    for u in range(4):
        for share in losses:
            mass = 0.0
            for v in range(4):
                for n in ids[v].tolist():
                    asked = v if share == "approx" else u
                    mass += math.exp(log_pi[asked, n] - log_pi[u, u])
                    if share == "exact" and v != u:
                        gaps.append(abs(float(log_pi[v, n] - log_pi[u, n])))
            losses[share].append(math.log1p(mass))
    torch.testing.assert_close(rows, torch.tensor(losses["approx"]))
    assert told["share_gap"] == pytest.approx(sum(gaps) / len(gaps), rel=1e-4)
    for share, values in losses.items():
        assert told[f"loss_{share}"] == pytest.approx(sum(values) / 4, rel=1e-4)


@pytest.mark.parametrize("share", ["approx", "exact"])
def test_a_shared_item_that_the_user_met_or_likes_now_is_left_out(share):
    """Row 0 takes row 1's negatives, one of them its own history, one its positive."""
    world = world_of(Csr.of([0, 0, 1], [0, 5, 1], n_rows=2, n_columns=9))
    batch = Batch(torch.tensor([0, 1]), torch.tensor([0, 1]))
    ids = torch.tensor([[7, 8, 6], [0, 5, 4]])
    queries = torch.randn(2, 4, generator=G)
    config = replace(SHARE, mask_false=True, share=share)
    found, _ = played(config, queries, ITEMS, batch, ids, world)
    log_pi = (queries @ ITEMS.T).log_softmax(1)
    mass = sum(math.exp(log_pi[0, n] - log_pi[0, 0]) for n in (7, 8, 6))
    mass += math.exp(log_pi[1 if share == "approx" else 0, 4] - log_pi[0, 0])
    assert float(found[0]) == pytest.approx(math.log1p(mass), rel=1e-4)
    kept, _ = played(replace(config, mask_false=False), queries, ITEMS, batch, ids, world)
    assert float(kept[0]) > float(found[0])


def test_the_control_deals_the_auxiliary_scores_to_other_items():
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
        _, made = stepped(f"napo(sft_epochs=0,grad_negatives={grad})")
        own = next(rows for ids, rows in made.step.view.leaves.rows if ids is made.used.ids)
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
    said = napo.Config(loss="s_dpo", negatives=33).said()
    assert (said["reference"], said["negatives"], said["rho"]) == ("sft", 33, 0.0)
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


@pytest.mark.parametrize(
    "wrong",
    ["rho=2", "beta=0", "negatives=0", "group=0", "loss=grpo", "momentum=1", "sft_epochs=-1"],
)
def test_what_is_no_setting_is_refused(wrong):
    with pytest.raises(UserError, match=wrong.partition("=")[0]):
        recipe(f"napo({wrong})")


def test_it_tells_the_drift_the_margin_and_the_error_of_sharing():
    names = {"supervised", "log_pi", "gamma", "gamma_spread"}
    errors = {"share_gap", "loss_approx", "loss_exact"}
    for method, wanted in (("", names | errors), (",loss=s_dpo", names)):
        fit, made = stepped(f"napo(sft_epochs=0{method})")
        told = fit.method.objective.told()
        assert told.keys() == wanted and all(map(math.isfinite, told.values()))
        if errors <= told.keys():
            assert told["loss_approx"] == pytest.approx(float(made.rows.detach().mean()), rel=1e-5)
            assert told["share_gap"] > 0 and told["gamma_spread"] > 0
    assert told["gamma"] == told["gamma_spread"] == 0


def test_another_source_fills_the_pools():
    fit, made = stepped("popularity(negatives=5)+napo(sft_epochs=0,group=4)")
    assert made.used.ids.shape[1] == 5
    assert fit.method.objective.told()["share_gap"] > 0


def test_sharing_is_refused_for_one_pool_of_all_rows():
    with pytest.raises(UserError, match="rho=0"):
        stepped("in_batch+napo(sft_epochs=0)")


def test_a_table_beyond_the_cells_is_refused():
    with pytest.raises(UserError, match="cells"):
        stepped("napo(cells=10)")


def test_a_loop_that_cannot_freeze_is_told():
    loss = negbench.attach("napo(sft_epochs=1)", [0, 0, 1], [0, 1, 2])
    items = torch.randn(3, 4, generator=G)
    loss.epoch(items)
    with pytest.raises(UserError, match="freeze"):
        loss.epoch(items)
