"""`negbench.run(...)`: the command as a Python function, with the same options and defaults."""

from collections.abc import Mapping, Sequence
from typing import Any

from negbench.experiment.finished.run import Run, open_run

Words = str | Sequence[str]


def run(
    config: Mapping[str, Any] | None = None,
    *,
    datasets: Words | None = None,
    methods: Words | None = None,
    backbones: Words | None = None,
    references: Words | None = None,
    seeds: int | str | Sequence[int] | None = None,
    objective: str | None = None,
    split: str | None = None,
    exclude: str | None = None,
    k_core: int | None = None,
    metrics: Words | None = None,
    probe: str | None = None,
    log_negatives: int | None = None,
    plant: float | None = None,
    noise: float | str | None = None,
    bands: str | None = None,
    train: Mapping[str, Any] | None = None,
    epochs: int | None = None,
    patience: int | None = None,
    columns: Mapping[str, Any] | None = None,
    plugins: Words | None = None,
    data_dir: str | None = None,
    out: str | None = None,
    jobs: int | str | None = None,
    threads: int | None = None,
    device: str | None = None,
    overwrite: str | None = None,
    progress: bool = True,
) -> Run:
    """Train, rank and compare; finished cells of the same folder are kept.

    Options read as on the command line; `config` is a mapping as in an experiment file, `train` its
    section of that name, `columns` the names of user, item, time and rating in a file of yours. A
    bar is shown where standard error is a terminal; messages go to the logger "negbench". With
    `jobs` above 1 your script must guard its start with `if __name__ == "__main__":`, as all of
    Python's process pools ask.

    Raises UserError for a wrong option, and RuntimeError if no cell could be trained; cells that
    failed beside others are in `Run.failed`.
    """
    given = {**locals()}  # the parameters, before any other name is there
    from negbench.experiment import run_grid
    from negbench.experiment.options.options import build, merge
    from negbench.experiment.plan import plan

    given |= given.pop("columns") or {}
    config, progress = given.pop("config"), given.pop("progress")
    typed = {key: value for key, value in given.items() if value is not None}
    chosen = build(merge(config or {}, typed))
    grid = plan(chosen)
    result = run_grid.carry_out(
        chosen,
        grid,
        run_grid.folder_of(chosen),
        command="negbench.run(...)",
        bar=None if progress else False,
    )
    if not result.done:
        label, reason = result.failed[0]
        raise RuntimeError(f"all {len(result.failed)} cells failed, the first, {label}: {reason}")
    return open_run(result.out)
