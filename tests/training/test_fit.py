"""The loop: what it asks of parts, when it stops, and that nothing of it depends on chance."""

import copy
import math

import numpy as np
import pytest
import torch
from helpers.toy_data import small_context

from negbench.backbones import mf
from negbench.composition import recipe
from negbench.evaluation.model_scorer import ModelScorer
from negbench.ops import rng
from negbench.parts import BPR, Uniform
from negbench.protocol.interfaces import Method
from negbench.protocol.step import Negatives
from negbench.training.config import TrainConfig
from negbench.training.fit import Diverged, Fit


def backbone(context, **config):
    built = mf.Config(dim=8, batch_size=64, **config)
    return mf.build(built, context, rng.stream(context.seed, "init"))


def fit_of(method="random", epochs=4, context=None, validate=None, probes=(), **config):
    context = context or small_context()
    built = recipe(method).build() if isinstance(method, str) else method
    return Fit(
        built,
        backbone(context, **config),
        context,
        TrainConfig(epochs=epochs, patience=2),
        validate=validate,
        probes=probes,
    )


def test_same_seed_same_bits_whatever_the_global_state():
    torch.manual_seed(1)
    one = fit_of("dns")
    one.run()
    torch.manual_seed(2)
    two = fit_of("dns")
    two.run()
    assert torch.equal(one.backbone.table, two.backbone.table)
    assert [r["loss"] for r in one.progress.rows] == [r["loss"] for r in two.progress.rows]
    other = fit_of("dns", context=small_context(seed=1))
    other.run()
    assert not torch.equal(one.backbone.table, other.backbone.table)


def test_the_loop_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    fit_of("dns").run()
    assert torch.equal(before, torch.get_rng_state())


def test_it_learns_the_planted_tastes():
    context = small_context()
    fit = fit_of("random", epochs=30, context=context)
    fit.run()
    assert fit.progress.rows[-1]["loss"] < 0.6 * fit.progress.rows[0]["loss"]
    scores = ModelScorer.of(fit.backbone, context, context.train).scores(torch.arange(40))
    own = torch.stack([scores[u, (u % 2) * 15 : (u % 2) * 15 + 15].mean() for u in range(40)])
    other = torch.stack([scores[u, 15 - (u % 2) * 15 :][:15].mean() for u in range(40)])
    assert (own > other).float().mean() > 0.95


def test_patience_stops_it_and_the_best_weights_come_back():
    values, seen = [0.1, 0.5, 0.4, 0.3, 0.2, 0.9], []

    def validate(model):
        seen.append(model.table.detach().clone())
        return values[len(seen) - 1]

    fit = fit_of(epochs=50, validate=validate)
    progress = fit.run()
    assert (progress.epoch, progress.best_epoch, progress.stopped) == (4, 2, "patience")
    assert torch.equal(fit.backbone.table, seen[1])
    assert not torch.equal(seen[1], seen[3])


def test_without_a_valid_part_the_last_weights_stay():
    progress = fit_of(epochs=3).run()
    assert (progress.best_epoch, progress.stopped) == (3, "epochs")
    assert progress.best_valid == -math.inf


@pytest.mark.parametrize("cut", [1, 3])
def test_a_resumed_fit_ends_with_the_same_bits(cut):
    whole = fit_of("dns", epochs=6, validate=lambda model: model.table.detach().abs().sum().item())
    states = []
    whole.run(save=lambda: states.append(copy.deepcopy(whole.state_dict())))
    again = fit_of("dns", epochs=6, validate=lambda model: model.table.detach().abs().sum().item())
    again.load_state_dict(states[cut - 1])
    assert again.progress.epoch == cut
    again.run()
    assert torch.equal(again.backbone.table, whole.backbone.table)
    assert [r["loss"] for r in again.progress.rows] == [r["loss"] for r in whole.progress.rows]


def test_a_state_is_tensors_and_plain_values(tmp_path):
    fit = fit_of("dns", epochs=2, validate=lambda model: 1.0)
    fit.run()
    torch.save(fit.state_dict(), tmp_path / "state.pt")
    loaded = torch.load(tmp_path / "state.pt", weights_only=True)
    fit_of("dns", epochs=2).load_state_dict(loaded)


def test_numbers_of_numpy_that_parts_and_judges_give_are_resumed_from(tmp_path):
    class Telling(Uniform):
        def epoch_metrics(self):
            return {"mean": np.float64(0.5), "norm": torch.tensor(2.0), "n": 3}

    method = Method(sampler=Telling(1), objective=BPR())
    fit = fit_of(method, epochs=2, validate=lambda model: np.float32(1))
    fit.run()
    torch.save(fit.state_dict(), tmp_path / "state.pt")
    loaded = torch.load(tmp_path / "state.pt", weights_only=True)
    row = loaded["progress"]["rows"][0]
    assert (row["mean"], row["norm"], row["n"], row["valid_ndcg@20"]) == (0.5, 2.0, 3, 1.0)
    assert loaded["progress"]["best_valid"] == 1.0


def test_a_loss_that_is_no_number_is_named():
    with pytest.raises(Diverged, match="must stay a number"):
        fit_of(epochs=3, lr=1e30).run()


class Life:
    """A source that writes down what the loop asks of it."""

    def __init__(self):
        self.inner, self.calls = Uniform(1), []
        self.down, self.up = (torch.nn.Parameter(torch.zeros(())) for _ in range(2))

    def begin(self, context):
        self.inner.begin(context)
        self.calls.append("begin")

    def refresh(self, epoch):
        assert epoch.items.shape == (30, 8) and epoch.users.shape == (40, 8)
        self.calls.append(f"refresh {epoch.number}")

    def sample(self, step):
        self.calls.append("draw")
        built = self.inner.sample(step)
        lift = {"down": (self.down - 1) ** 2, "up": -((self.up - 1) ** 2)}
        return Negatives(built.ids, mask=built.mask, losses=lift)

    def observe(self, feedback):
        assert not feedback.s_pos.requires_grad and not feedback.rows.requires_grad
        self.calls.append("observe")

    def minimised(self):
        return [self.down]

    def maximised(self):
        return [self.up]

    def state_dict(self):
        return {"down": self.down.detach().clone(), "up": self.up.detach().clone()}

    def load_state_dict(self, state):
        self.down.data.copy_(state["down"])
        self.up.data.copy_(state["up"])


def test_parts_are_called_in_their_order_and_learn_both_ways():
    source = Life()
    fit = fit_of(Method(sampler=source, objective=BPR()), epochs=60)
    fit.run()
    steps = len(fit.batches)
    assert source.calls[:2] == ["begin", "refresh 1"]
    assert source.calls[2 : 2 + 2 * steps] == ["draw", "observe"] * steps
    assert source.calls[2 + 2 * steps] == "refresh 2"
    # One goes down its loss to 1, the other goes up its own to 1.
    assert source.down.item() == pytest.approx(1, abs=0.2)
    assert source.up.item() == pytest.approx(1, abs=0.2)


class Telling(Uniform):
    """A source that counts its draws and tells them."""

    draws = 0

    def sample(self, step):
        assert step.context.width == 8  # the backbone's
        self.draws += 1
        return super().sample(step)

    def epoch_metrics(self):
        draws, self.draws = self.draws, 0
        return {"draws": draws}


def test_a_part_tells_its_figures_once_an_epoch():
    fit = fit_of(Method(sampler=Telling(1), objective=BPR()), epochs=2)
    fit.run()
    assert [row["draws"] for row in fit.progress.rows] == [len(fit.batches)] * 2


class Halving(Uniform):
    """A source that asks for half the step size from the second epoch, a quarter from the third."""

    def lr_factor(self, epoch):
        return 0.5 ** (epoch - 1)


def test_a_part_sets_the_pace_of_an_epoch():
    fit = fit_of(Method(sampler=Halving(1), objective=BPR()), epochs=3, lr=0.08)
    sizes = []
    fit.run(on_epoch=lambda row: sizes.append(fit.optimisers[0].param_groups[0]["lr"]))
    assert sizes == pytest.approx([0.08, 0.04, 0.02])
    # The first epoch is that of a fit without a pace; the second moves half as far, or so.
    plain = fit_of(Method(sampler=Uniform(1), objective=BPR()), epochs=3, lr=0.08)
    paced = fit_of(Method(sampler=Halving(1), objective=BPR()), epochs=3, lr=0.08)
    moved = []
    for each in (plain, paced):
        each.epoch()
        before = each.backbone.table.detach().clone()
        each.epoch()
        moved.append((each.backbone.table.detach() - before).norm().item())
    assert plain.progress.epoch == 2
    assert 0.3 < moved[1] / moved[0] < 0.7


class Counting:
    def __init__(self):
        self.seen, self.pairs = 0, []

    def wants(self, number):
        return True

    def watch(self, step, drawn, used, feedback):
        self.seen += len(feedback.rows)
        self.pairs += list(zip(step.batch.users.tolist(), step.batch.items.tolist(), strict=True))

    def epoch(self, number):
        seen, self.seen = self.seen, 0
        return {"seen": seen}


def test_a_probe_sees_every_row_once_an_epoch_and_its_figures_are_kept():
    probe, context = Counting(), small_context()
    fit = fit_of("dns", epochs=1, context=context, probes=[probe])
    fit.run()
    assert fit.progress.rows[0]["seen"] == len(context.train)
    pairs = zip(context.train.rows.tolist(), context.train.indices.tolist(), strict=True)
    assert sorted(probe.pairs) == sorted(pairs)


def test_a_probe_changes_nothing():
    with_probe, without = fit_of("dns", probes=[Counting()]), fit_of("dns")
    with_probe.run(), without.run()
    assert torch.equal(with_probe.backbone.table, without.backbone.table)


@pytest.mark.parametrize("field", ["epochs", "patience", "eval_every"])
def test_a_budget_that_trains_nothing_is_refused(field):
    with pytest.raises(ValueError, match=f"`{field}` must be at least 1"):
        TrainConfig(**{field: 0})


def test_a_time_limit_is_kept_and_said():
    context = small_context()
    built = recipe("random").build()
    fit = Fit(built, backbone(context), context, TrainConfig(epochs=10**6, time_limit=0.3))
    assert fit.run().stopped == "time limit"


def test_the_clock_counts_every_kind_of_work():
    fit = fit_of("dns", epochs=3, validate=lambda model: 1.0)
    fit.run()
    wall = fit.clock.wall
    kinds = [wall[k] for k in ("sampling", "scoring", "update", "evaluation")]
    assert all(k > 0 for k in kinds) and sum(kinds) <= wall["total"] * 1.001
