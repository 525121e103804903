"""Conformance of what a method does in a step: ids, masks, gradients, randomness, inputs."""

import dataclasses
import random
from collections.abc import Iterator
from dataclasses import is_dataclass, replace
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor

from negbench.protocol.interfaces import Observes
from negbench.protocol.step import Batch, Ids, Mask, Negatives, Rows, Scores, Step
from negbench.testing.shape_checks import fit, held
from negbench.testing.toy_data import Play, batch_of
from negbench.training.forward import forward, having

Pool = Annotated[Tensor, "K"]
PoolScores = Annotated[Tensor, "B K"]
PoolVectors = Annotated[Tensor, "K D"]
RowVectors = Annotated[Tensor, "B N D"]


def walk(play: Play, step: Step) -> Iterator[tuple[str, Negatives, Negatives]]:
    """Each verb's name, what it was given and what it made; annotated axes are held to."""
    sizes = {"B": len(step.batch)}
    made = held(play.method.sampler.sample, dict(sizes))(step)
    yield "draw", made, made
    for stage in play.method.stages:
        given, made = made, held(stage.apply, dict(sizes))(step, made)
        yield type(stage).__name__, given, made


def step_of(play: Play, number: int = 1, batch: Batch | None = None) -> Step:
    """A step after the method's transform."""
    step = play.step(number, batch)
    transform = play.method.transform
    return step if transform is None else replace(step, view=transform.view(step))


def shapes(play: Play) -> None:
    """Every record has its axes, types and device, and a row has one loss."""
    step = step_of(play)
    for verb, _, made in walk(play, step):
        _holds(made, step, verb)
    s_pos, s_neg = step.view.score_pair(step.view.positive), step.score(made)
    sizes = {"B": len(step.batch)}
    fit(s_neg, Scores, sizes, "the scores")
    rows = held(play.method.objective.rows, dict(sizes))(step, s_pos, s_neg, made)
    fit(rows, Rows, sizes, "the objective's rows")
    assert rows.dtype == s_pos.dtype, f"rows must be {s_pos.dtype}; got {rows.dtype}"


def _holds(made: Negatives, step: Step, verb: str) -> None:
    sizes = {"B": len(step.batch), "D": step.view.query.shape[1]}
    shared, device = made.shared, step.context.device
    fields: tuple[tuple[str, Any, torch.dtype], ...] = (
        ("ids", Pool if shared else Ids, torch.int64),
        ("vectors", PoolVectors if shared else RowVectors, torch.float32),
        ("mask", Mask, torch.bool),
        ("logw", Scores, torch.float32),
        ("row_weight", Rows, torch.float32),
    )
    for name, alias, kind in fields:
        value = getattr(made, name)
        if value is None:
            continue
        wide = shared and name in ("mask", "logw")
        fit(value, PoolScores if wide else alias, sizes, f"{verb}: {name}")
        assert value.dtype == kind, f"{verb}: {name} must be {kind}; got {value.dtype}"
        assert value.device == device, f"{verb}: {name} must be on {device}; got {value.device}"
    for name, loss in made.losses.items():
        assert loss.dim() == 0, f"{verb}: loss {name!r} must be one number; got {list(loss.shape)}"


def ids_are_allowed(play: Play) -> None:
    """Every id is in the catalogue; none that counts is excluded; masked rows are said to be."""
    step = step_of(play)
    users, n_items = step.batch.users, step.context.n_items
    for verb, _, made in walk(play, step):
        if made.ids is None:
            continue
        inside = (made.ids >= 0) & (made.ids < n_items)
        assert bool(inside.all()), f"{verb}: ids must be in 0..{n_items - 1}; got {made.ids}"
        ids = made.ids.expand(len(users), -1)
        hit = step.context.excluded.contains(users, ids)
        used = hit if made.mask is None else hit & made.mask
        assert not bool(used.any()), (
            f"{verb}: an excluded item must not count; got (row, place) {used.nonzero().tolist()}; "
            "draw with negbench.parts.sampling.proposals.outside or mask it"
        )


def logq_is_a_probability(play: Play) -> None:
    """`logq` is finite and at most 0 wherever a negative counts."""
    for verb, _, made in walk(play, step_of(play)):
        if made.logq is None or made.n == 0:
            continue
        logq = made.logq.expand(len(batch_of(play.context)), -1)
        if made.mask is not None:
            logq = logq[made.mask]
        fine = torch.isfinite(logq) & (logq <= 1e-5)
        assert bool(fine.all()), f"{verb}: logq must be the log of a probability; got {logq[~fine]}"


def loss_and_gradient(play: Play) -> None:
    """The loss is finite, and its gradient reaches the query and the positive."""
    outcome = play.forward()
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


def masked_counts_for_nothing(play: Play) -> None:
    """A masked negative changes no row and gets no gradient, and a row of them alone is finite."""
    outcome = play.forward()
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
    rows = play.method.objective.rows
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


def inputs_stay(play: Play) -> None:
    """Batch, view, world and the negatives that a stage was given are as they were."""
    made: dict[str, Tensor] = {}
    for verb, given, after in walk(play, step_of(play)):
        if verb != "draw":
            _same(made, tensors_of(given), f"{verb} must not change the negatives it was given")
        made = {name: tensor.detach().clone() for name, tensor in tensors_of(after).items()}
    step = play.step()
    before = {name: tensor.detach().clone() for name, tensor in tensors_of(step).items()}
    outcome = forward(play.method, step)
    torch.autograd.backward(outcome.loss)
    for part in having(play.method, Observes):
        part.observe(outcome.feedback())
    _same(before, tensors_of(step), "a step must not change its inputs")


def tensors_of(value: Any, path: str = "") -> dict[str, Tensor]:
    """Every tensor in a record, by its path."""
    if isinstance(value, Tensor):
        return {path: value}
    if not is_dataclass(value) or isinstance(value, type):
        return {}
    found: dict[str, Tensor] = {}
    for f in dataclasses.fields(value):
        found.update(tensors_of(getattr(value, f.name), f"{path}.{f.name}"))
    return found


def _same(before: dict[str, Tensor], after: dict[str, Tensor], rule: str) -> None:
    for name, tensor in before.items():
        assert torch.equal(tensor, after[name].detach()), f"{rule}; {name.lstrip('.')} changed"


def global_randomness_is_left_alone(play: Play) -> None:
    """The global random states are neither read nor moved: the same step under any of them."""
    results = []
    for _ in range(2):
        before = _global_states()
        results.append(play.forward().rows.detach())
        assert before == _global_states(), (
            "the global random state must not be used; draw with `step.generator`"
        )
        # Move them on, by draws: a seed set here would reach the tests that come after.
        torch.rand(1), np.random.rand(), random.random()
    assert torch.equal(results[0], results[1]), "a step must depend on its own generator alone"


def _global_states() -> tuple[object, ...]:
    numpy_state = np.random.get_state(legacy=False)
    on_device = torch.cuda.get_rng_state().tolist() if torch.cuda.is_available() else []
    return (torch.get_rng_state().tolist(), on_device, repr(numpy_state), random.getstate())
