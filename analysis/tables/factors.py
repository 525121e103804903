"""The factorial analysis of variance of a run: a block a data set, a column a popularity band.

Which of sampler, objective and backbone moves a metric most, on all items and on those of each
band (`variance_split.py`), with the mean of each level and the notes that a reviewer asks for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from negbench.evaluation.metric_names import Metric

from ..measures.bands import TOTAL, names
from ..number_format import counted, listed, metric_label, number
from ..runs import frames
from ..runs.factorial import FACTORS, OWN, Factorial, factorials
from ..runs.frames import REFERENCE, MetricLike, Run
from ..runs.notes import Note
from ..runs.tuned_rows import tuned_of
from ..statistics.bootstrap import DRAWS
from ..statistics.variance_split import Effect, Part, VarianceSplit, variance_split
from . import footnotes
from .budget_notes import of_figure
from .code_notes import of_code

FEWEST = 2
"""Users below which a band has no split."""


@dataclass(frozen=True, eq=False)
class FactorsBlock:
    """One data set."""

    design: Factorial
    splits: Mapping[str, VarianceSplit]
    """By band; a band with too few users has none."""
    means: Mapping[str, Mapping[str, float]]
    """On all items, by factor and level: the mean over all other factors, seeds and users."""
    notes: tuple[Note, ...]

    @cached_property
    def effects(self) -> tuple[Effect, ...]:
        """The effects, the seeds last."""
        return tuple(part.effect for part in next(iter(self.splits.values())).parts)

    def part(self, band: str, effect: Effect) -> Part | None:
        """A part of the variance on a band; None where the band has no split."""
        split = self.splits.get(band)
        return next((p for p in split.parts if p.effect == effect), None) if split else None

    def name(self, effect: Effect) -> str:
        """An effect in words: `sampler x objective`."""
        return " x ".join(self.design.factors[at] for at in effect) if effect else "seeds"

    @property
    def size(self) -> str:
        """The design in words: 3 samplers x 3 objectives x 2 backbones x 3 seeds."""
        levels = [counted(len(self.design.levels[name]), name) for name in self.design.factors]
        return " x ".join([*levels, counted(len(self.design.seeds), "seed")])

    @property
    def headline(self) -> str:
        """Which main effect is the largest on all items, and how sure that is."""
        if not (split := self.splits.get(TOTAL)):
            return ""
        main = split.parts[: len(self.design.factors)]
        at = max(range(len(main)), key=lambda place: main[place].share)
        if not main[at].share > 0:
            return "No main effect stands out of the differences between seeds and users."
        return (
            f"The largest main effect on all items is that of the {self.design.factors[at]}: "
            f"{100 * main[at].share:.0f} % of the variance, {100 * split.total[at]:.0f} % with its "
            f"interactions; it is the largest in {100 * split.largest[at]:.0f} % of the draws."
        )


@dataclass(frozen=True, eq=False)
class Factors:
    """The whole analysis as values."""

    metric: Metric
    bands: tuple[str, ...]
    blocks: tuple[FactorsBlock, ...]
    notes: tuple[Note, ...]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One line a data set, band and part of the variance."""
        return pd.DataFrame(
            [
                {
                    "dataset": block.design.dataset,
                    "metric": str(self.metric),
                    "band": band,
                    "source": block.name(part.effect),
                    "df": part.df,
                    "omega2": part.share,
                    "low": part.low,
                    "high": part.high,
                    "eta2": part.eta2,
                    "total": split.total[part.effect[0]] if len(part.effect) == 1 else np.nan,
                    "largest": split.largest[part.effect[0]] if len(part.effect) == 1 else np.nan,
                    "sd": split.sd,
                    "n_users": split.n_users,
                    "n_seeds": split.n_seeds,
                    "draws": DRAWS,
                    **{f"{name}s": ";".join(block.design.levels[name]) for name in FACTORS},
                }
                for block in self.blocks
                for band, split in block.splits.items()
                for part in split.parts
            ]
        )


def factors(
    run: Run, metric: MetricLike = None, only: Mapping[str, Sequence[str]] | None = None
) -> Factors:
    """Split the variance of each data set; `only` keeps these levels of a factor.

    Raises UserError for an unknown metric or level, or a design that is no balanced factorial.
    """
    chosen = frames.choose_metric(run, metric)
    bands = (TOTAL, *names(run))
    designs = factorials(run, only)
    blocks = tuple(_block(run, design, chosen, bands) for design in designs)
    notes = (*_legend(chosen), *footnotes.of_metric(run, chosen), *footnotes.of_damage(run))
    return Factors(chosen, bands, blocks, notes)


def _block(run: Run, design: Factorial, metric: Metric, bands: Sequence[str]) -> FactorsBlock:
    values = {band: design.values(metric, band) for band in bands}
    splits = {b: variance_split(v) for b, v in values.items() if len(v) >= FEWEST}
    return FactorsBlock(design, splits, _means(design, values[TOTAL]), _notes(run, design))


def _means(design: Factorial, values: np.ndarray) -> dict[str, dict[str, float]]:
    means = {}
    for at, name in enumerate(design.factors, start=1):
        others = tuple(axis for axis in range(values.ndim) if axis != at)
        levels = zip(design.levels[name], values.mean(axis=others), strict=True)
        means[name] = {level: float(mean) for level, mean in levels}
    return means


def _notes(run: Run, design: Factorial) -> tuple[Note, ...]:
    dataset = design.dataset
    fixed = [f"{name} {design.levels[name][0]}" for name in FACTORS if name not in design.factors]
    seeds = ", ".join(map(str, design.seeds))
    notes = [Note("seeds", f"Seeds {seeds} of every combination, whose spread is the last line.")]
    notes += [Note("settings", f"Held fixed: {listed(fixed)}.")] if fixed else []
    if OWN in design.levels["objective"]:
        text = f'Objective "{OWN}": each method\'s, so that it is no one level; give --objective.'
        notes.append(Note("settings", f"WARNING: {text}"))
    cells = [cell for by_seed in design.cells.values() for cell in by_seed.values()]
    if tuned := [mark for cell in cells if (mark := tuned_of(cell.spec))]:
        trials = sorted({int(mark.get("trials", 0)) for mark in tuned})
        most = f"{trials[0]} to " * (len(trials) > 1) + f"{trials[-1]} trials"
        protocols = listed(list(dict.fromkeys(str(mark.get("protocol", "")) for mark in tuned)))
        text = f"Rows tuned, {most} each, by one protocol but for the objective ({protocols})."
        notes.append(Note("tuning", text))
    else:
        notes.append(Note("tuning", "Rows are not tuned: every one has the same settings."))
    if any(c.spec["dataset"] == dataset and c.backbone == REFERENCE for c, _ in run.done):
        notes.append(Note("gap", "References sample nothing and are left out."))
    data = [*footnotes.of_data(run, dataset), *footnotes.notes_of_data(run, dataset)]
    budgets = {name: of_figure(run, dataset, name) for name in design.levels["backbone"]}
    budget = [Note("budget", f"On {name}: {text}") for name, text in budgets.items() if text]
    code = [note for name in design.levels["backbone"] for note in of_code(run, dataset, name)]
    return (*notes, *data, *budget, *dict.fromkeys(code))


def _legend(metric: Metric) -> list[Note]:
    return [
        Note(
            "test",
            f"Shares of the variance of {metric_label(metric)} (test part) over the trainings: "
            "omega squared of fixed factors, corrected for what users and seeds put into it by "
            "chance; below 0 where an effect is none. They are of these levels and of no others.",
        ),
        Note(
            "test",
            f"[95 % interval]: bootstrap, {DRAWS:,} draws of users, all trainings of a user "
            "together, and of seeds within each combination. It covers other users and other "
            "seeds, not other data, splits or levels; one that reaches 0 shows no effect.",
        ),
        Note("legend", "sd: of one training of any combination, whose square is divided."),
    ]


def level_means(block: FactorsBlock) -> list[str]:
    """The mean of each level on all items, best first, a sentence a factor."""
    sentences = []
    for name, means in block.means.items():
        best = sorted(means.items(), key=lambda pair: -pair[1])
        each = listed([f"{level} {number(mean)}" for level, mean in best])
        sentences.append(f"Mean by {name}: {each}.")
    return sentences
