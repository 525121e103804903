"""Conformance checks of a reference: a finite score for every user and item, from train alone."""

from collections.abc import Callable
from types import ModuleType

import torch

from negbench.evaluation.full_ranking import FoldsIn, Scorer
from negbench.ops.axes import UserItems
from negbench.plugins.term_syntax import config_of
from negbench.testing.toy_data import default_context


def scores(module: ModuleType) -> None:
    """Float scores [b, I], finite, for any users in any order."""
    train, scorer = default_context().train, _built(module)
    users = torch.arange(train.n_rows)
    every = _scores(scorer, users, train.n_columns)
    some = _scores(scorer, users[[4, 0]], train.n_columns)
    assert torch.allclose(every[[4, 0]], some, atol=1e-5), (
        "the scores of a user must not depend on who else is asked for"
    )


def can_be_overwritten(module: ModuleType) -> None:
    """The ranking writes -inf into what `scores` returns: the model stays as it is."""
    train, scorer = default_context().train, _built(module)
    users = torch.arange(train.n_rows)
    first = _scores(scorer, users, train.n_columns)
    kept = first.clone()
    try:
        first[0, 0] = -torch.inf
        first.fill_(-torch.inf)
        same = torch.equal(kept, scorer.scores(users))
    except RuntimeError:  # torch refuses to write into an expanded tensor
        same = False
    assert same, "`scores` must return a new tensor: evaluation writes into it; add .clone()"


def same_twice(module: ModuleType) -> None:
    """Two fits of the same train give the same scores, bit for bit."""
    train = default_context().train
    users = torch.arange(train.n_rows)
    a, b = (_scores(_built(module), users, train.n_columns) for _ in range(2))
    assert torch.equal(a, b), "two builds of the same train must give the same scores; fix a seed"


def folds_in(module: ModuleType) -> None:
    """Where the card provides "fold_in", a model scores users that it was not fitted on."""
    scorer, train = _built(module), default_context().train
    if "fold_in" not in module.CARD.provides:
        return
    assert isinstance(scorer, FoldsIn), (
        'card `provides` names "fold_in", but the model has no fold_in(history)'
    )
    _scores(scorer.fold_in(train), torch.arange(train.n_rows), train.n_columns)


def _built(module: ModuleType) -> Scorer:
    model: Scorer = module.build(config_of(module, {}, module.__name__), default_context().train)
    assert hasattr(model, "scores"), "`build` must return an object with a method scores(users)"
    return model


def _scores(scorer: Scorer, users: torch.Tensor, n_items: int) -> UserItems:
    values = scorer.scores(users)
    size, shape = [len(users), n_items], list(getattr(values, "shape", []))
    assert isinstance(values, torch.Tensor) and shape == size, (
        f"`scores` must return a tensor [b, I], here {size}; got {shape}"
    )
    assert values.is_floating_point(), f"scores must be floats; got {values.dtype}"
    assert bool(torch.isfinite(values).all()), "scores must be finite numbers"
    return values


REFERENCE_CHECKS: dict[str, Callable[[ModuleType], None]] = {
    "scores": scores,
    "can_be_overwritten": can_be_overwritten,
    "same_twice": same_twice,
    "folds_in": folds_in,
}
"""Every check by name."""
