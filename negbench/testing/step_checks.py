"""Conformance checks of a training step: ids, masks, gradients, randomness, inputs."""

import dataclasses
import random
from collections.abc import Iterator
from dataclasses import is_dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from negbench.ops.axes import (
    AnyShape,
    Ids,
    Mask,
    NegativeVectors,
    PoolIds,
    PoolScores,
    PoolVectors,
    Rows,
    Scores,
)
from negbench.protocol.interfaces import Observes
from negbench.protocol.step import Batch, Negatives, Step
from negbench.testing.shape_checks import check_axes, with_axes_checked
from negbench.testing.toy_data import TrainingHarness, batch_of
from negbench.training.forward import forward, having

SAME, SMALL = 1e-4, 1e-6
"""Gradients are the same within this share of the largest, or of this where all are smaller."""


def walk(harness: TrainingHarness, step: Step) -> Iterator[tuple[str, Negatives, Negatives]]:
    """The name, input and output of the sampler and of each stage, with annotated axes checked."""
    sizes = {"B": len(step.batch)}
    negatives = with_axes_checked(harness.method.sampler.sample, dict(sizes))(step)
    yield "sample", negatives, negatives
    for stage in harness.method.stages:
        before = negatives
        negatives = with_axes_checked(stage.apply, dict(sizes))(step, before)
        yield type(stage).__name__, before, negatives


def step_of(harness: TrainingHarness, number: int = 1, batch: Batch | None = None) -> Step:
    """A training step, its view changed by the method's transform."""
    step = harness.step(number, batch)
    transform = harness.method.transform
    return step if transform is None else replace(step, view=transform.view(step))


def shapes(harness: TrainingHarness) -> None:
    """Negatives have the right axes, types and device, and the objective gives one loss a row."""
    step = step_of(harness)
    for verb, _, negatives in walk(harness, step):
        _check_negatives(negatives, step, verb)
    s_pos, s_neg = step.view.score_pair(step.view.positive), step.score(negatives)
    sizes = {"B": len(step.batch)}
    check_axes(s_neg, Scores, sizes, "the scores")
    objective = with_axes_checked(harness.method.objective.rows, dict(sizes))
    rows = objective(step, s_pos, s_neg, negatives)
    check_axes(rows, Rows, sizes, "the objective's rows")
    assert rows.dtype == s_pos.dtype, f"rows must be {s_pos.dtype}; got {rows.dtype}"


def _check_negatives(negatives: Negatives, step: Step, verb: str) -> None:
    sizes = {"B": len(step.batch), "D": step.view.query.shape[1]}
    shared, device = negatives.shared, step.context.device
    fields: tuple[tuple[str, Any, torch.dtype], ...] = (
        ("ids", PoolIds if shared else Ids, torch.int64),
        ("vectors", PoolVectors if shared else NegativeVectors, torch.float32),
        ("mask", Mask, torch.bool),
        ("logw", Scores, torch.float32),
        ("row_weight", Rows, torch.float32),
    )
    for name, alias, kind in fields:
        value = getattr(negatives, name)
        if value is None:
            continue
        wide = shared and name in ("mask", "logw")
        check_axes(value, PoolScores if wide else alias, sizes, f"{verb}: {name}")
        assert value.dtype == kind, f"{verb}: {name} must be {kind}; got {value.dtype}"
        assert value.device == device, f"{verb}: {name} must be on {device}; got {value.device}"
    for name, loss in negatives.losses.items():
        assert loss.dim() == 0, f"{verb}: loss {name!r} must be one number; got {list(loss.shape)}"


def ids_are_allowed(harness: TrainingHarness) -> None:
    """Every id is in the catalogue; none that counts is excluded, or else it is masked."""
    step = step_of(harness)
    users, n_items = step.batch.users, step.context.n_items
    for verb, _, negatives in walk(harness, step):
        if negatives.ids is None:
            continue
        inside = (negatives.ids >= 0) & (negatives.ids < n_items)
        assert bool(inside.all()), f"{verb}: ids must be in 0..{n_items - 1}; got {negatives.ids}"
        ids = negatives.row_ids(len(users))
        hit = step.context.excluded.contains(users, ids)
        used = hit if negatives.mask is None else hit & negatives.mask
        assert not bool(used.any()), (
            f"{verb}: an excluded item must not count; got (row, place) {used.nonzero().tolist()}; "
            "draw with negbench.parts.sampling.proposals.sample_outside or mask it"
        )


def logq_is_a_probability(harness: TrainingHarness) -> None:
    """`logq` is finite and at most 0 wherever a negative counts."""
    for verb, _, negatives in walk(harness, step_of(harness)):
        if negatives.logq is None or negatives.n == 0:
            continue
        logq = negatives.logq.expand(len(batch_of(harness.context)), -1)
        if negatives.mask is not None:
            logq = logq[negatives.mask]
        fine = torch.isfinite(logq) & (logq <= 1e-5)
        assert bool(fine.all()), f"{verb}: logq must be the log of a probability; got {logq[~fine]}"


def loss_and_gradient(harness: TrainingHarness) -> None:
    """The loss is finite, and its gradient reaches the query and the positive.

    In the epochs before a method's own phase its parts may learn alone; then it is asked in the
    phase.
    """
    outcome = harness.forward()
    phase = harness.method.own_phase
    if phase is not None and not outcome.rows.requires_grad:
        outcome = forward(harness.method, replace(harness.step(), epoch=phase.begins))
    finite = bool(torch.isfinite(outcome.loss)) and bool(torch.isfinite(outcome.rows).all())
    assert finite, f"the loss must be finite; got {outcome.rows.tolist()}"
    assert outcome.loss.dim() == 0, "the loss must be one number"
    torch.autograd.backward(outcome.loss)
    leaves = outcome.step.view.leaves
    assert leaves is not None
    reached = {"query": (leaves.query, leaves.query_layers), "positive": (leaves.positive,)}
    for name, tensors in reached.items():
        grads = [t.grad for t in tensors if t is not None and t.grad is not None]
        grads += [rows.grad for _, rows in leaves.layers if rows.grad is not None]
        assert any(bool(g.any()) for g in grads), f"the loss must have a gradient to the {name}"
        assert all(bool(torch.isfinite(g).all()) for g in grads), (
            f"the gradient to the {name} must be finite"
        )


def same_gradients(cut: TrainingHarness, plain: TrainingHarness, epoch: int) -> None:
    """A step that is cut from autograd gives the gradients of one that is not.

    Of the backbone's tables and of every parameter that the parts declare.
    """
    actual, expected = (_gradients(harness, epoch) for harness in (cut, plain))
    for name, want in expected.items():
        got, largest = actual[name], float(want.abs().max()) if want.numel() else 0.0
        apart = float((got - want).abs().max()) if want.numel() else 0.0
        assert apart <= SAME * max(largest, SMALL), (
            f"the gradient of {name} must be the same in training, which cuts autograd at the "
            f"view, as in plain autograd; they differ by {apart:.3g} where the largest is "
            f"{largest:.3g} ({cut.kind.kind}, epoch {epoch}); differentiate through what "
            "`step.view` hands out, and ask neither for `view.leaves` nor for `is_leaf`"
        )


def _gradients(harness: TrainingHarness, epoch: int) -> dict[str, Tensor]:
    step = replace(harness.step(), epoch=epoch)
    outcome = forward(harness.method, step)
    if outcome.loss.requires_grad:
        torch.autograd.backward(outcome.loss)
    parts = enumerate((*harness.minimised, *harness.maximised))
    of_parts = {
        f"parameter {i} of the parts": torch.zeros_like(p) if p.grad is None else p.grad
        for i, p in parts
    }
    tables = harness.tables.gradients(step.batch, step.view)
    return {**{f"the backbone's {name}": g for name, g in tables.items()}, **of_parts}


def masked_counts_for_nothing(harness: TrainingHarness) -> None:
    """A masked negative changes no row's loss and gets no gradient, and its row stays finite."""
    outcome = harness.forward()
    n = outcome.s_neg.shape[1]
    if n == 0:
        return
    mask = torch.ones_like(outcome.s_neg, dtype=torch.bool)
    mask[:, 0], mask[0, :] = False, False
    if outcome.used.mask is not None:
        mask &= outcome.used.mask
    used = replace(outcome.used, mask=mask)
    scores = outcome.s_neg.detach().requires_grad_()
    moved = torch.where(mask, scores, scores + 3.0)
    rows = harness.method.objective.rows
    first = rows(outcome.step, outcome.s_pos.detach(), scores, used)
    second = rows(outcome.step, outcome.s_pos.detach(), moved, used)
    assert torch.allclose(first, second), "a masked negative must not change a row's loss"
    assert bool(torch.isfinite(first).all()), "a row of masked negatives must have a finite loss"
    if first.requires_grad:
        torch.autograd.backward(first.sum())
        gradient = scores.grad if scores.grad is not None else torch.zeros_like(scores)
        assert bool(torch.isfinite(gradient).all()) and not bool(gradient[~mask].any()), (
            "a masked negative must get a gradient of 0"
        )


def inputs_stay(harness: TrainingHarness) -> None:
    """A step changes neither batch, view, context nor the negatives that a stage was given."""
    try:
        _inputs_stay(harness)
    except RuntimeError as error:  # torch refuses what would change a leaf
        assert "in-place" not in str(error), (
            f"a step must not change its inputs; view.items or another leaf was written to: {error}"
        )
        raise


def _inputs_stay(harness: TrainingHarness) -> None:
    tensors: dict[str, Tensor] = {}
    for verb, given, after in walk(harness, step_of(harness)):
        if verb != "sample":
            require_same(
                tensors, tensors_of(given), f"{verb} must not change the negatives it was given"
            )
        tensors = {name: tensor.detach().clone() for name, tensor in tensors_of(after).items()}
    step = harness.step()
    before = {name: tensor.detach().clone() for name, tensor in tensors_of(step).items()}
    outcome = forward(harness.method, step)
    torch.autograd.backward(outcome.loss)
    for part in having(harness.method.parts, Observes):
        part.observe(outcome.feedback())
    require_same(before, tensors_of(step), "a step must not change its inputs")


def tensors_of(value: Any, path: str = "") -> dict[str, AnyShape]:
    """Every tensor of a nested dataclass, by its path."""
    if isinstance(value, Tensor):
        return {path: value}
    if not is_dataclass(value) or isinstance(value, type):
        return {}
    tensors: dict[str, AnyShape] = {}
    for f in dataclasses.fields(value):
        tensors.update(tensors_of(getattr(value, f.name), f"{path}.{f.name}"))
    return tensors


def require_same(before: dict[str, AnyShape], after: dict[str, AnyShape], rule: str) -> None:
    """Raises AssertionError, which states the rule, where a tensor is not as it was before."""
    for name, tensor in before.items():
        assert torch.equal(tensor, after[name].detach()), f"{rule}; {name.lstrip('.')} changed"


def global_randomness_is_left_alone(harness: TrainingHarness) -> None:
    """A step neither reads nor advances the global random state: it is the same under any state."""
    results = []
    for _ in range(2):
        before = global_states()
        results.append(harness.forward().rows.detach())
        assert before == global_states(), (
            "the global random state must not be used; draw with `step.generator`"
        )
        # Advance the states by drawing: setting a seed here would affect later tests.
        torch.rand(1), np.random.rand(), random.random()
    assert torch.equal(results[0], results[1]), "a step must depend on its own generator alone"


def global_states() -> tuple[object, ...]:
    """The random states of torch, numpy and Python, to be compared."""
    numpy_state = np.random.get_state(legacy=False)
    on_device = torch.cuda.get_rng_state().tolist() if torch.cuda.is_available() else []
    return (torch.get_rng_state().tolist(), on_device, repr(numpy_state), random.getstate())
