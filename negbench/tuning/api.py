"""`negbench.tune(...)`: the command as a Python function."""

from collections.abc import Mapping
from os import PathLike
from typing import Any

from negbench.errors import UserError, shown
from negbench.experiment.finished.run import Run, open_run


def tune(
    config: Mapping[str, Any] | None = None,
    *,
    trials: int | None = None,
    search: str | None = None,
    fidelity: str | None = None,
    finalists: int | None = None,
    final_seeds: int | None = None,
    test_seeds: int | None = None,
    splits: int | None = None,
    space: Mapping[str, Any] | str | PathLike[str] | None = None,
    progress: bool = True,
    **options: Any,
) -> Run:
    """Tune every method alike and test the winners on fresh seeds; finished cells are kept.

    `options` are those of `negbench.run` (datasets, methods, backbones, references, epochs, out
    ...), but for the seeds, which a search has of its own. `space` holds ranges in place of the
    cards' ({"dns": {"candidates": ("of", 4, 16)}}), or is a file of them. The run that is returned
    is that of the winners; `Run.tuning()` tells of the search.

    Raises UserError for a wrong option, and RuntimeError if no row has a winner.
    """
    from negbench.data.in_memory import holding
    from negbench.experiment.options.options import build, merge
    from negbench.tuning import tune_file
    from negbench.tuning.protocol import numbers_of
    from negbench.tuning.run_search import run_search
    from negbench.tuning.space_file import space_of
    from negbench.tuning.tune import folder_of, parts_of, refuse_what_is_chosen

    protocol, n_splits = numbers_of(
        {
            "trials": trials,
            "search": search,
            "fidelity": fidelity,
            "finalists": finalists,
            "final_seeds": final_seeds,
            "test_seeds": test_seeds,
            "splits": splits,
        }
    )
    if config is not None and not isinstance(config, Mapping):
        raise UserError(f"config must be a mapping of options; got {shown(config)}")
    given = {key: value for key, value in options.items() if value is not None}
    columns = given.pop("columns", {})
    if not isinstance(columns, Mapping):
        raise UserError(f"columns must be a mapping of options; got {shown(columns)}")
    with holding():
        flat = merge(config or {}, {**given, **columns})
        refuse_what_is_chosen(flat)
        chosen = build({"overwrite": "missing", **flat})
        own = space_of(space)
        out = folder_of(chosen)
        parts = parts_of(chosen, protocol, own, n_splits, out)
        for part in parts:
            part.check()
        tune_file.add_start(out, "negbench.tune(...)", chosen, protocol, own, n_splits)
        bar = None if progress else False
        ended = [run_search(each.search, each.out, bar=bar) for each in parts]
    failed = [pair for each in ended for pair in each.failed]
    if failed and not any(each.done for each in ended):  # a shard may have no row
        label, reason = failed[0]
        raise RuntimeError(f"no row has a winner; the first, {label}: {reason}")
    return open_run(out)
