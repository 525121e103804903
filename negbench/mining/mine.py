"""mine: hard negatives for offline trainers, with the model of a finished run or with your own.

negbench.mine("runs/first", k=8, row="dns", backbone="mf").write("triplets.parquet")
for block in negbench.mine(score=model.score, users=users, items=items, method="dns"): ...
"""

from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from negbench.composition import recipe
from negbench.data.interactions import Csr
from negbench.data.membership import Membership
from negbench.errors import UserError, did_you_mean, shown
from negbench.experiment.finished.run import Run
from negbench.mining.labels import Labels
from negbench.mining.mined import Mined, Source
from negbench.mining.rule import Rule
from negbench.mining.run_model import FinishedCell, Which, finished_cell
from negbench.mining.scores import OwnScores
from negbench.negative_sampler import NegativeSampler
from negbench.protocol.context import TrainContext
from negbench.scenario.scenario import EXCLUSIONS, Scenario
from negbench.training.given_scores import Score
from negbench.training.train_pairs import context_of_pairs

EXCLUDES = {
    "train": "train positives are excluded, held-out ones are not",
    "train+valid": "ORACLE: train and valid positives are excluded, test ones are not",
    "all": "ORACLE: train, valid and test positives are excluded, so no test on them is fair",
}
"""What is never taken as a negative, in words; `none` of the runs is left out."""


def mine(
    run: str | Path | Run | None = None,
    k: int = 8,
    *,
    method: str | None = None,
    score: Score | None = None,
    users: ArrayLike | None = None,
    items: ArrayLike | None = None,
    n_users: int | None = None,
    n_items: int | None = None,
    also_exclude: tuple[ArrayLike, ArrayLike] | None = None,
    exclude: str | None = None,
    skip_top: int = 0,
    max_score_ratio: float | None = None,
    margin: float | None = None,
    dataset: str | None = None,
    backbone: str | None = None,
    row: str | None = None,
    seed: int | None = None,
    draw_seed: int = 0,
    device: str | None = None,
    texts: bool = False,
) -> Mined:
    """Up to k different negatives of every train pair, chosen with a trained model.

    The model is that of a cell of `run`, named by `dataset`, `backbone`, `row` and `seed`; it is
    trained again, for cells keep no weights. Or it is yours: `score(users [B], ids [B, M])` gives
    scores [B, M], and `users`, `items` [n] are the train pairs, counted from 0.

    Without a `method` the highest-scored items are taken. With one, as dns(candidates=64), the
    first k different ones that it draws. `skip_top` leaves out the first items of each user's
    ranking; `max_score_ratio` and `margin` those that score too close to the positive: at most
    ratio * s+ (s+ - (1 - ratio) |s+| below 0), at most s+ - margin.

    Train positives are never taken. Held-out positives of a run are, as in training, unless
    `exclude` is train+valid or all; `also_exclude` are more pairs beside your own. Raises UserError
    for a method that needs vectors or a loss, settings out of range, and a run without such a cell.
    """
    rule = Rule(k, skip_top, max_score_ratio, margin)
    if method is not None:
        if not isinstance(method, str):
            raise UserError(
                "method must be a name with settings, as 'dns(candidates=64)', for each pass "
                f"builds it anew; got {shown(method)}"
            )
        recipe(method)
    which = Which(dataset, backbone, row, seed)
    own = {"users": users, "items": items, "n_users": n_users, "n_items": n_items}
    if score is None:
        _refuse_any({**own, "also_exclude": also_exclude}, "a model of your own, score=")
        cell = finished_cell(_folder(run), which, device)
        return Mined(_of_run(cell, exclude or "train", method, draw_seed, texts), rule, method)
    of_a_run = {"run": run, "exclude": exclude, **vars(which), "texts": texts or None}
    _refuse_any(of_a_run, "the model of a run, without score=")
    if users is None or items is None:
        raise UserError("mine needs the train pairs of your model; give users= and items=")
    context = context_of_pairs(
        users, items, n_users, n_items, seed=draw_seed, device=device or "cpu"
    )
    source = _of_model(score, _excluding(context, also_exclude), also_exclude is not None)
    if method is not None:
        NegativeSampler(method, source.context)
    return Mined(source, rule, method)


def _refuse_any(given: Mapping[str, object], what: str) -> None:
    if wrong := [f"{name}=" for name, value in given.items() if value is not None]:
        raise UserError(f"{wrong[0]} belongs to {what}; drop it, or take the other kind of model")


def _folder(run: str | Path | Run | None) -> Path:
    if run is None:
        raise UserError("mine needs a model: the folder of a run, or score=, users= and items=")
    if not isinstance(run, Run):
        if not isinstance(run, str | PathLike):
            raise UserError(f"mine needs the folder of a run, or a Run; got {shown(run)}")
        return Path(run).expanduser()
    if len(run.folders) > 1:
        raise UserError(f"mine takes one run folder; got {len(run.folders)}; open one of them")
    return run.folder


def _of_run(cell: FinishedCell, exclude: str, method: str | None, seed: int, texts: bool) -> Source:
    """The source of a cell's model. What can be refused is, before the model is trained again."""
    if exclude not in EXCLUDES:
        near = did_you_mean(exclude, list(EXCLUDES))
        raise UserError(f"exclude must be {', '.join(EXCLUDES)}; got {exclude!r}; {near}")
    scenario = replace(cell.scenario, exclude=exclude)
    if scenario.split.fold_in is not None and len(EXCLUSIONS[exclude]) > 1:
        raise UserError(
            f"exclude={exclude} keeps held-out items out, and no user who is trained on has any "
            f"under a split by users ({scenario.split.rule}); use exclude=train"
        )
    data = scenario.interactions
    if texts and data.item_texts is None:
        raise UserError(f"texts need items with texts; {data.name} has none; leave texts out")
    context = scenario.train_context(seed=seed, device=cell.device)
    if method is not None:
        NegativeSampler(method, context)
    model, agreement = cell.train()
    description = f"scored by {cell.planned.label}; {EXCLUDES[exclude]}"
    if agreement < 1:
        description += (
            f"; the model, trained again, is not the run's bit for bit: of the places of its lists "
            f"{int(1000 * agreement) / 10}% hold the same item"
        )
    for note in scenario.notes:
        description += f"; {note.rstrip('.')}" if note.startswith("NOISE") else ""
    return Source(model, context, Labels.of(data, texts=texts), description, _held_out(scenario))


def _held_out(scenario: Scenario) -> Csr:
    """The positives of valid and test, and those that were planted as false negatives."""
    split = scenario.split
    pairs = split.valid.join(split.test)
    return (pairs if scenario.planted is None else pairs.join(scenario.planted)).distinct


def _excluding(context: TrainContext, pairs: tuple[ArrayLike, ArrayLike] | None) -> TrainContext:
    """The context with more pairs that are never taken."""
    if pairs is None:
        return context
    if not isinstance(pairs, tuple | list) or len(pairs) != 2:
        raise UserError(f"also_exclude must be (users, items); got {shown(pairs)}")
    if not any(np.size(each) for each in pairs):
        return context
    shape = (context.n_users, context.n_items)
    more = context_of_pairs(*pairs, *shape, seed=0, device="cpu").train
    return replace(context, excluded=Membership.of(context.train.join(more), device=context.device))


def _of_model(score: Score, context: TrainContext, more: bool) -> Source:
    excluded = "the train pairs and also_exclude" if more else "the train pairs"
    return Source(
        OwnScores(score, context.n_items),
        context,
        Labels(),
        f"scored by your function; {excluded} are excluded, other positives are not known",
    )
