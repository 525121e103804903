"""The monitor against loops over every row, and that it does not change training."""

import math

import numpy as np
import pytest
import torch
from helpers.probe_scenarios import fit_on, held_pairs, small_scenario

from negbench.parts import BPR, Uniform
from negbench.probes import hardness
from negbench.probes.band_composition import divergence
from negbench.probes.monitor import FULL, Budget, Monitor
from negbench.probes.probe_set import pooled, probes_of
from negbench.protocol.interfaces import Method
from negbench.protocol.step import Negatives

METHODS = ["random(negatives=3)", "dns(candidates=4)", "in_batch", "mixed", "all_items"]


class Naive:
    """Every metric by loops, from every row of every step."""

    def __init__(self, scenario):
        self.scenario, self.held = scenario, held_pairs(scenario)
        self.train = {u: set(scenario.split.train.row(u)) for u in range(scenario.split.n_users)}
        self.seen = []

    def wants(self, number):
        return True

    @torch.no_grad()
    def watch(self, step, drawn, used, feedback):
        every = torch.arange(step.context.n_items)
        scores = step.view.query.detach() @ step.view.items[every].T
        for b, user in enumerate(step.batch.users.tolist()):
            unseen = [j for j in every.tolist() if j not in self.train[user]]
            ids = used.ids if used.shared else used.ids[b]
            for n, j in enumerate(ids.tolist()):
                if used.mask is not None and not used.mask[b, n]:
                    continue
                s = scores[b, j]
                ties = sum(abs(float(scores[b, o] - s)) < 1e-6 for o in unseen)
                below = sum(float(scores[b, o]) < float(s) - 1e-6 for o in unseen) + ties / 2
                self.seen.append((user, j, float(s - feedback.s_pos[b]), below / len(unseen)))

    def epoch(self, number):
        return {}

    def metrics(self):
        n, n_items = len(self.seen), self.scenario.split.n_items
        false = [(u, j) in self.held for u, j, _, _ in self.seen]
        hard = [p >= 0.9 for _, _, _, p in self.seen]
        both = [a and b for a, b in zip(false, hard, strict=True)]
        counts, labels = self.scenario.split.train.counts, self.scenario.bands.labels
        rate = {
            u: sum(a == u for a, _ in self.held) / (n_items - len(mine))
            for u, mine in self.train.items()
        }
        return {
            "fn_total": n,
            "fn_count": sum(false),
            "ranked": n,
            "fhn_total": sum(hard),
            "fhn_count": sum(both),
            "fnr": sum(false) / n,
            "fnr_expected": sum(rate[u] for u, *_ in self.seen) / n,
            "hard": sum(hard) / n,
            "fhnr": sum(both) / max(1, sum(hard)),
            "neg_popularity": sum(counts[j] for _, j, *_ in self.seen) / n,
            "neg_head": sum(labels[j] == 0 for _, j, *_ in self.seen) / n,
            "distinct": len({j for _, j, *_ in self.seen}),
            "gap_p50": float(np.percentile([g for *_, g, _ in self.seen], 50)),
            "percentile_p90": float(np.percentile([p for *_, p in self.seen], 90)),
        }


@pytest.mark.parametrize("method", METHODS)
def test_full_is_what_loops_count(method, monkeypatch):
    monkeypatch.setattr(hardness, "QUANTILE_SAMPLE", 10**9)
    scenario = small_scenario(n_users=20, n_items=24, n=220)
    naive = Naive(scenario)
    fit = fit_on(scenario, method, lambda context: [Monitor(scenario, context, FULL), naive])
    row = fit.run().rows[0]
    for name, value in naive.metrics().items():
        assert row[name] == pytest.approx(value, rel=1e-5, abs=1e-6), name
    assert row["fnr_lift"] == pytest.approx(row["fnr"] / row["fnr_expected"])
    assert row["neg_head"] + row["neg_mid"] + row["neg_tail"] == pytest.approx(1)


def test_sample_estimates_what_full_measures():
    scenario = small_scenario(n_users=60, n_items=300, n=1500)
    budget = Budget(every=2, negatives=128, rows=32, items=100)
    pair = [
        fit_on(scenario, "random(negatives=4)", lambda w, e=e: [Monitor(scenario, w, e)], epochs=30)
        for e in (FULL, budget)
    ]
    whole, part = (fit.run().rows for fit in pair)
    assert part[0]["fn_total"] < whole[0]["fn_total"] / 2
    for name, slack in (("fnr", 0.1), ("fhnr", 0.2), ("hard", 0.15), ("neg_popularity", 0.05)):
        full, some = (np.mean([row[name] for row in rows]) for rows in (whole, part))
        assert some == pytest.approx(full, rel=slack), name


@pytest.mark.parametrize("method", ["random", "dns", "adaptive_mixed", "all_items"])
def test_watching_changes_no_bit(method):
    scenario = small_scenario(planted=0.1)
    probes = [lambda w: (), lambda w: probes_of("full", 50, scenario, w)]
    plain, watched = (fit_on(scenario, method, each, epochs=3) for each in probes)
    plain.run(), watched.run()
    assert torch.equal(plain.backbone.table, watched.backbone.table)
    assert [r["loss"] for r in plain.progress.rows] == [r["loss"] for r in watched.progress.rows]


def test_a_monitor_resumes_from_a_checkpoint():
    scenario = small_scenario(planted=0.2)
    budget = Budget(every=2, negatives=64, rows=16, items=10)

    def probes(context):
        return [Monitor(scenario, context, budget), *probes_of("off", 40, scenario, context)]

    whole = fit_on(scenario, "dns", probes, epochs=4)
    whole.run()
    first = fit_on(scenario, "dns", probes, epochs=2)
    first.run()
    state = first.state_dict() | {"progress": {**first.state_dict()["progress"], "stopped": ""}}
    second = fit_on(scenario, "dns", probes, epochs=4)
    second.load_state_dict(state)
    second.run()
    for one, other in zip(whole.progress.rows, second.progress.rows, strict=True):
        assert {k: v for k, v in one.items() if k not in ("wall", "cpu")} == {
            k: v for k, v in other.items() if k not in ("wall", "cpu")
        }
    for name, kept in whole.probes[1].arrays().items():
        assert np.array_equal(kept, second.probes[1].arrays()[name])


def test_slopes_and_gradient_norms_are_those_of_bpr():
    scenario = small_scenario()
    method, probes = "random(negatives=2)", lambda w: [Monitor(scenario, w, FULL)]
    fit = fit_on(scenario, method, probes, batch_size=10**6)
    table = fit.backbone.table.detach().clone()
    caught = {}

    class Catch:
        def wants(self, number):
            return True

        def watch(self, step, drawn, used, feedback):
            caught.update(step=step, used=used, feedback=feedback)

        def epoch(self, number):
            return {}

    fit.probes = [*fit.probes, Catch()]
    row = fit.run().rows[0]
    step, used, feedback = caught["step"], caught["used"], caught["feedback"]
    users, items = table[: scenario.split.n_users], table[scenario.split.n_users :]
    norms = []
    for b, u in enumerate(step.batch.users.tolist()):
        i, pull = int(step.batch.items[b]), torch.zeros(8)
        for n, j in enumerate(used.ids[b].tolist()):
            slope = torch.sigmoid(users[u] @ items[j] - users[u] @ items[i]) / 2
            assert float(feedback.slopes[b, n]) == pytest.approx(float(slope), rel=1e-4)
            pull += slope * (items[j] - items[i])
        norms.append(float(pull.norm()))
    assert row["grad_norm"] == pytest.approx(np.mean(norms), rel=1e-4)
    assert row["grad_zero"] == 0 and row["ess"] == pytest.approx(1)


class Heavy:
    """All weight on the first of the negatives, and rows that weigh 1 and 3 in turn."""

    def apply(self, step, negatives):
        logw = torch.full(negatives.ids.shape, -50.0)
        logw[:, 0] = 0
        rows = torch.ones(len(step.batch))
        rows[1::2] = 3
        return Negatives(negatives.ids, logw=logw, row_weight=rows)


def test_effective_sample_size_counts_weights_of_negatives_and_rows():
    # Of 4 negatives 1 counts, and weights 1 and 3 in turn: (1+3)^2 / (2 (1+9)) = 0.8 of that.
    scenario = small_scenario(n=800)
    method = Method(Uniform(4), BPR(), (Heavy(),))
    fit = fit_on(scenario, "random", lambda w: [Monitor(scenario, w, FULL)], batch_size=64)
    fit.method = method
    for part in method.parts:
        if hasattr(part, "begin"):
            part.begin(fit.context)
    batches = [b for b in fit.batches.epoch(torch.Generator().manual_seed(0)) if len(b) == 64]
    for number, batch in enumerate(batches, 1):
        fit.step(batch, 1, number)
    assert fit.probes[0].epoch(1)["ess"] == pytest.approx(0.8 / 4, rel=1e-6)


class Scatter:
    """Synthesises: an item's vector with a little noise, or one far from all."""

    def apply(self, step, negatives):
        vectors = step.view.rows(negatives.ids).detach()
        noise = torch.randn(vectors.shape, generator=torch.Generator().manual_seed(0))
        return Negatives(vectors=vectors + 0.05 * noise)


def test_vectors_are_counted_as_the_nearest_item_not_had():
    scenario = small_scenario()
    method = Method(Uniform(2), BPR(), (Scatter(),))
    fit = fit_on(scenario, "random", batch_size=64)
    fit.method = method
    for part in method.parts:
        if hasattr(part, "begin"):
            part.begin(fit.context)
    monitor = Monitor(scenario, fit.context, FULL)
    caught = []

    class Catch:
        def wants(self, number):
            return True

        def watch(self, step, drawn, used, feedback):
            caught.append((step, used))

        def epoch(self, number):
            return {}

    fit.probes = [monitor, Catch()]
    items = fit.backbone.table.detach()[scenario.split.n_users :].clone()
    batch = next(iter(fit.batches.epoch(torch.Generator().manual_seed(1))))
    fit.step(batch, 1, 1)
    (step, used), held = caught[0], held_pairs(scenario)
    false, distances, distinct = 0, [], set()
    for b, user in enumerate(step.batch.users.tolist()):
        had = set(scenario.split.train.row(user))
        for vector in used.vectors[b]:
            cosines = {
                j: float(torch.cosine_similarity(vector, items[j], dim=0))
                for j in range(scenario.split.n_items)
                if j not in had
            }
            j = max(cosines, key=cosines.__getitem__)
            false += (user, j) in held
            distinct.add(j)
            distances.append(1 - cosines[j])
    row = monitor.epoch(1)
    assert row["fnr"] == pytest.approx(false / len(distances))
    assert row["distinct"] == len(distinct)
    assert row["snap"] == pytest.approx(np.mean(distances), abs=1e-5)


def test_planted_pairs_are_met_at_the_rate_of_chance_and_then_detected():
    scenario = small_scenario(n_users=60, n_items=40, n=1800, planted=0.2)
    fit = fit_on(scenario, "random(negatives=4)", lambda w: [Monitor(scenario, w, FULL)], epochs=40)
    rows = fit.run().rows
    chance = np.mean([row["planted_expected"] for row in rows])
    assert np.mean([row["planted_rate"] for row in rows]) == pytest.approx(chance, rel=0.05)
    # An untrained model does not separate them from the rest; a trained one does.
    assert rows[0]["planted_auc"] == pytest.approx(0.5, abs=0.1)
    assert rows[-1]["planted_auc"] > 0.7
    # BPR's slope grows with the score of the negative, so it pushes planted items down harder.
    assert rows[-1]["planted_weight"] > 1.05


def test_the_metrics_of_a_training_are_pooled_up_to_the_best_epoch():
    rows = [
        {"epoch": 1, "fnr": 0.1, "fnr_expected": 0.1, "fn_total": 10, "fn_count": 1, "fhnr": 0.5}
        | {"fhn_total": 2, "fhn_count": 1},
        {"epoch": 2, "fnr": 0.4, "fnr_expected": 0.1, "fn_total": 20, "fn_count": 8},
        {"epoch": 3, "fnr": 0.9, "fnr_expected": 0.1, "fn_total": 10, "fn_count": 9, "fhnr": 1}
        | {"fhn_total": 9, "fhn_count": 9},
    ]
    metrics = pooled(rows, 2)
    # (1 + 8) / 30 = 0.3; expected 0.1; fhnr from epoch 1 alone.
    assert metrics["fnr"] == pytest.approx(0.3) and metrics["fnr_lift"] == pytest.approx(3.0)
    assert (metrics["fn_count"], metrics["fn_total"]) == (9, 30)
    assert metrics["fhnr"] == 0.5 and (metrics["fhn_count"], metrics["fhn_total"]) == (1, 2)
    assert "planted_auc" not in metrics
    assert pooled([], 0) == {} and pooled([{"epoch": 1, "loss": 1.0}], 1) == {}


def test_divergence_by_hand():
    # 0.5 log(0.5/0.25) + 0.5 log(0.5/0.75) = 0.5 log 2 - 0.5 log 1.5
    assert divergence([0.5, 0.5], [0.25, 0.75]) == pytest.approx(0.5 * math.log(4 / 3))
    assert divergence([0.0, 1.0], [0.5, 0.5]) == pytest.approx(math.log(2))
