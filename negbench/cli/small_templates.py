"""What `new` writes for objectives, metrics, references, probes and figures.

$name and $title are filled in. The test of all but figures is the check of the file: TEST.
"""

OBJECTIVE = '''"""$title: in one sentence, what is minimised.

    l_ui = mean_j w_j max(0, margin - s_ui + s_uj)                          (your formula)

Authors, "Title", venue year (link). What differs from the paper, and why. Cost: N terms a row.
"""

from dataclasses import dataclass

from negbench.protocol import Card, Negatives, Rows, Scores, Step

CARD = Card(title="$title", family="objective", provenance="ours")


@dataclass(frozen=True)
class Config:
    """The settings; each can be typed, as in --objective '$name(margin=0.5)'."""

    margin: float = 1.0
    """Above 0."""


class Loss:
    """The loss of each row."""

    def __init__(self, margin: float) -> None:
        """A positive is to score higher than its negatives by this margin."""
        self.margin = margin

    def rows(self, step: Step, s_pos: Rows, s_neg: Scores, negatives: Negatives) -> Rows:
        """[B] from `s_pos` [B] and `s_neg` [B, N]; what the mask leaves out counts for nothing."""
        loss = (self.margin - s_pos.unsqueeze(1) + s_neg).clamp(min=0)
        weight = s_neg.new_ones(s_neg.shape) if negatives.logw is None else negatives.logw.exp()
        if negatives.mask is not None:
            loss, weight = loss.masked_fill(~negatives.mask, 0), weight * negatives.mask
        return (weight * loss).sum(1) / weight.sum(1).clamp(min=1e-12)


def build(config: Config) -> Loss:
    """A fresh objective."""
    return Loss(config.margin)
'''

METRIC = '''"""$title: in one sentence, what a list of K is worth to its user.

    $name@K = sum_{r <= K} h_r 2^-r,   h_r = 1 if the item in place r is relevant   (your formula)
"""

import numpy as np
from numpy.typing import NDArray

from negbench.protocol import Card

CARD = Card(title="$title", family="metric", provenance="ours")


def values(hits: NDArray[np.bool_], relevant: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """The metric of each list [B], higher is better.

    `hits` [B, K] says which places hold a relevant item, best place first; `relevant` [B] how many
    items are relevant to the user, 1 or more, also beyond place K.
    """
    weights = 0.5 ** np.arange(1, k + 1)
    return np.asarray(hits @ weights, np.float64)
'''

REFERENCE = '''"""$title: in one sentence, how users and items are scored without negative sampling.

    score(u, i) = (1 + count_i)^power,   count_i the train pairs of i        (your formula)

Authors, "Title", venue year (link). Cost: one count of the train pairs.
"""

from dataclasses import dataclass

import torch

from negbench.protocol import Card, Csr, ItemScores, ItemValues, Rows

CARD = Card(title="$title", family="reference", provenance="ours")


@dataclass(frozen=True)
class Config:
    """The settings; each can be typed, as in --references '$name(power=1)'."""

    power: float = 0.5


class Model:
    """A fitted model."""

    def __init__(self, scores: ItemValues) -> None:
        """The score of each item, [I]."""
        self.of_items = scores

    def scores(self, users: Rows) -> ItemScores:
        """The score of every item for these users, [b, I]; the caller may overwrite it."""
        return self.of_items.to(users.device).repeat(len(users), 1)


def build(config: Config, train: Csr) -> Model:
    """Fit on `train` [U, I], the pairs of each user: `train.counts` [I], `train.rows` [pairs]."""
    return Model((1.0 + torch.from_numpy(train.counts)).float() ** config.power)
'''

PROBE = '''"""$title: in one sentence, what is measured of the negatives in training.

    margin = mean over rows and negatives of s_ui - s_uj                    (your formula)
"""

from collections.abc import Mapping
from dataclasses import dataclass

from negbench.protocol import Card, Feedback, Negatives, Step, TrainContext
from negbench.scenario.scenario import Scenario

CARD = Card(title="$title", family="probe", provenance="ours")


@dataclass(frozen=True)
class Config:
    """The settings; each can be typed, as in --probe 'sample,$name(every=4)'."""

    every: int = 1
    """One step in so many is watched."""


class Margin:
    """Watches steps and changes nothing."""

    def __init__(self, every: int) -> None:
        """One step in `every` is watched."""
        self.every, self.total, self.n = every, 0.0, 0

    def wants(self, number: int) -> bool:
        """Whether to look at step `number` of an epoch, counted from 1."""
        return number % self.every == 0

    def watch(self, step: Step, drawn: Negatives, used: Negatives, feedback: Feedback) -> None:
        """Called before the weights are updated; `used` are the negatives of the loss."""
        gap = (feedback.s_pos.unsqueeze(1) - feedback.s_neg).detach()
        kept = gap if used.mask is None else gap[used.mask]
        self.total, self.n = self.total + float(kept.sum()), self.n + kept.numel()

    def epoch(self, number: int) -> Mapping[str, float]:
        """The measures of the epoch; epochs.csv has this one as $name.margin."""
        total, n, self.total, self.n = self.total, self.n, 0.0, 0
        return {"margin": total / n} if n else {}


def build(config: Config, scenario: Scenario, context: TrainContext) -> Margin:
    """A fresh probe; `scenario` knows what is held out, `context` what training may know."""
    return Margin(config.every)
'''

FIGURE = '''"""$title: in one sentence, what is drawn of a run."""

from matplotlib.figure import Figure

from negbench.analysis.figures import Plot
from negbench.analysis.runs import frames
from negbench.protocol import Card

CARD = Card(title="$title", family="figure", provenance="ours")


def plots(run: frames.Run, metric: frames.MetricLike = None) -> list[Plot]:
    """One plot of each data set and backbone; its frame is written beside it as csv."""
    name, k = frames.choose_metric(run, metric)
    results = frames.results(run)
    ours = (results["metric"] == name) & (results["k"] == k) & (results["band"] == "all")
    tested = results[ours & (results["split"] == "test") & (results["backbone"] != "reference")]
    plots = []
    for (dataset, backbone), block in tested.groupby(["dataset", "backbone"]):
        figure = Figure(figsize=(3.3, 2.2), layout="constrained")
        axes = figure.subplots()
        axes.plot(block["row"], block["value"], "o", alpha=0.6)
        axes.set_ylabel(f"{name}@{k}")
        caption = f"{name}@{k} of each seed."
        stem = f"$name-{dataset}-{backbone}"
        plots.append(Plot(stem, str(dataset), str(backbone), caption, figure, block))
    return plots
'''

FIGURE_TEST = '''"""$title is drawn of a run."""

from pathlib import Path

import negbench


def test_it_is_drawn(tmp_path: Path) -> None:
    run = negbench.run(
        datasets="synthetic(users=80,items=60,interactions=1200,relevant=0.3)",
        methods="random,dns(candidates=4)",
        seeds=2,
        epochs=2,
        plugins=Path(__file__).with_name("$name.py"),
        out=tmp_path / "run",
        progress=False,
    )
    assert [path.suffix for path in run.plot("$name", formats=["png"])] == [".png", ".csv"]
'''

TEST = '''"""$title keeps the contract of its kind; add what your theory promises."""

from pathlib import Path

from negbench.testing.plugin_check import check_plugin


def test_it_keeps_every_rule() -> None:
    wrong = [each for each in check_plugin(Path(__file__).with_name("$name.py")) if each.wrong]
    assert not wrong
'''
