"""Cells that would learn nothing, or learnt nothing: refused before, failed after, or counted.

A network that was never trained ranks items too, and its row looks like any other. So a pairing
with no row to train on is refused when it is planned, a cell whose training left no trace fails,
and what was left out of a training is counted in the notes of its record.
"""

import torch

from negbench.composition import Recipe
from negbench.data.number_words import counted, percent
from negbench.evaluation.full_ranking import Scorer
from negbench.evaluation.metric_names import parse_metrics
from negbench.experiment.cell.spec import CellSpec
from negbench.ops.axes import Rows
from negbench.parts import TopM
from negbench.plugins import registry
from negbench.protocol.interfaces import Backbone, Method
from negbench.scenario.ranking_protocol import EVENTS
from negbench.scenario.scenario import Scenario
from negbench.training.fit import Fit

BLOCK = 64
"""Users whose scores are looked at together."""


class NothingLearnt(ArithmeticError):
    """A training that left no trace: no usable row, the first weights, or equal scores."""


def nothing_to_train(spec: CellSpec, scenario: Scenario) -> str | None:
    """One sentence why this pairing has no row to train on; None where it has one."""
    if spec.is_reference:
        return None
    data, rule = scenario.interactions.name, scenario.split.rule
    trained = scenario.split.train.lengths
    sequences = _reads_sequences(spec)
    if sequences and not (trained > 1).any():
        return (
            f"a sequence backbone learns from users with two train items or more, and {data} has "
            f"none under {rule}; use another --split, or a backbone that is trained on pairs (mf, "
            "lightgcn)"
        )
    if (scenario.excluded.lengths[trained > 0] >= scenario.split.n_items).all():
        return (
            f"training needs items to draw as negatives, and no user of {data} has one left under "
            f"{rule} and --exclude {scenario.exclude}; use another --split or --exclude"
        )
    if getattr(spec.backbone_config(), "batch_size", 0) != 1:
        return None
    if sequences and "train" not in scenario.exclude:  # other items of the history are negatives
        return None
    if getattr(spec.recipe.build().sampler, "rows_needed", 1) < 2:
        return None
    kind = "sequence" if sequences else "pair"
    return (
        f"method {spec.method} takes its negatives from the other rows of a batch, and a batch of "
        f"one {kind} has none, so it has nothing to learn; use --batch-size 2 or more"
    )


def notes_before(spec: CellSpec, scenario: Scenario) -> tuple[str, ...]:
    """What these settings cannot tell or leave out, counted; known before anything is trained."""
    events = EVENTS if spec.average == "events" else ""
    of_data = (events, _too_long(spec, scenario), _left_out(spec, scenario))
    return tuple(filter(None, (*of_data, _nothing_to_select(spec))))


def _nothing_to_select(spec: CellSpec) -> str:
    """A composition whose selection has too few candidates to choose among: popularity+dns."""
    if spec.is_reference or len(spec.recipe.terms) == 1:
        return ""
    method = spec.recipe.build()
    first, drawn = next(iter(method.stages), None), _draws(method)
    kept = first.m if isinstance(first, TopM) else 1
    for term, card in zip(spec.recipe.terms, spec.recipe.cards, strict=True):
        alone = _draws(Recipe((term,)).build()) if "stages" in card.moves else 0
        if 0 < drawn <= kept < alone:
            return (
                f"method {spec.method} has {counted(drawn, 'candidate')} a row and {term.name} "
                f"alone {alone}, so scores select nothing; give the method that samples more "
                "negatives, as in popularity(negatives=32)+dns."
            )
    return ""


def _draws(method: Method) -> int:
    """How many items a row the sampler draws; 0 where it does not say."""
    settings = (method.sampler, getattr(method.sampler, "config", None))
    drawn = (getattr(each, "negatives", None) for each in settings)
    return next((n for n in drawn if isinstance(n, int)), 0)


def _too_long(spec: CellSpec, scenario: Scenario) -> str:
    n_items = scenario.split.n_items
    whole = [k for k in sorted({k for _, k in parse_metrics(spec.metrics)}) if k >= n_items]
    if not whole:
        return ""
    return (
        f"lists of {', '.join(map(str, whole))} hold every unseen item of {n_items:,}: recall, hit "
        "and precision are the same there for any order."
    )


def _left_out(spec: CellSpec, scenario: Scenario) -> str:
    if spec.is_reference or not _reads_sequences(spec):
        return ""
    lengths = scenario.split.train.lengths
    short, users = int((lengths == 1).sum()), int((lengths > 0).sum())
    if not short:
        return ""
    of = f"{short:,} of {counted(users, 'train user')} ({percent(short, users)})"
    return (
        f"backbone {spec.backbone_term.name} leaves out {of}, who have one train pair and "
        "so nothing to predict: it is not trained on them."
    )


def notes_of_reference(spec: CellSpec, scorer: Scorer, users: Rows) -> tuple[str, ...]:
    """What is said of a reference that cannot tell items apart, as most_popular of equal counts."""
    if not all_alike(scorer, users):
        return ()
    return (
        f"reference {spec.method} gives every item the same score: its lists are one fixed random "
        "order.",
    )


def weights_mark(backbone: Backbone) -> tuple[float, ...]:
    """Two sums of every trainable tensor: they change when its weights do."""
    trainable = (p.detach() for p in backbone.parameters() if p.requires_grad)
    double = torch.float64
    sums = ((p.sum(dtype=double), torch.linalg.vector_norm(p, dtype=double)) for p in trainable)
    return tuple(float(value) for pair in sums for value in pair)


def require_learnt(fit: Fit, before: tuple[float, ...], scorer: Scorer, users: Rows) -> None:
    """Check a finished training; `before` is the `weights_mark` of the first weights.

    Raises NothingLearnt if no row had a usable negative, the weights are the first ones, or every
    item has the same score for each of these users.
    """
    now = fit.progress
    if not now.n_rows:
        raise NothingLearnt("there must be a row to train on; this training had none")
    if now.n_unusable == now.n_rows:
        raise NothingLearnt(
            f"a row must have a usable negative; none of {counted(now.n_rows, 'row')} had one: "
            "every item that could be drawn (of a batch or of all) was the user's own; use larger "
            "batches, or another method"
        )
    if before and weights_mark(fit.backbone) == before:
        phase = fit.method.own_phase
        if phase is not None and now.epoch < phase.begins:
            raise NothingLearnt(
                f"training must change the weights; the method's own phase ({phase.name}) begins "
                f"in epoch {phase.begins} and training ended after {now.epoch}; raise --epochs"
            )
        raise NothingLearnt(
            "training must change the weights; these are still the first ones "
            f"(lr {fit.backbone.config.lr:g}); raise lr, lower l2, or change the row's own "
            "parameters"
        )
    if all_alike(scorer, users):
        raise NothingLearnt(
            "a model must tell items apart; every item has the same score for each of "
            f"{counted(len(users), 'test user')}, so any order would do; lower lr or l2, or change "
            "the row's own parameters"
        )


def all_alike(scorer: Scorer, users: Rows) -> bool:
    """Whether each of these users gives all items one score; looks until one does not."""
    for block in torch.split(users, BLOCK):
        scores = scorer.scores(block)
        if scores.shape[1] < 2 or bool((scores.amax(1) > scores.amin(1)).any()):
            return False
    return len(users) > 0


def _reads_sequences(spec: CellSpec) -> bool:
    return "sequence" in registry.card("backbones", spec.backbone_term.name).provides
