"""`negbench.run(...)`: the command as a Python function, with the same options and defaults."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from negbench.errors import UserError, shown
from negbench.experiment.finished.run import Run, open_run

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from negbench.data.interactions import Interactions
    from negbench.protocol.interfaces import Method

    Data = str | os.PathLike[str] | pd.DataFrame | NDArray[Any] | Interactions

Words = str | Sequence[str]
Folder = str | os.PathLike[str]
Numbers = float | Sequence[float]
Build = Callable[[], "Method"]
Methods = str | Build | Sequence[str | Build]
logger = logging.getLogger(__name__)


def run(
    config: Mapping[str, Any] | None = None,
    *,
    datasets: "Data | Sequence[Data] | None" = None,
    methods: "Methods | None" = None,
    backbones: Words | None = None,
    references: Words | None = None,
    seeds: int | str | Sequence[int] | None = None,
    objective: str | None = None,
    tuned: Folder | None = None,
    split: str | None = None,
    exclude: str | None = None,
    k_core: int | None = None,
    metrics: Words | None = None,
    probe: str | None = None,
    log_negatives: int | None = None,
    watch_test: bool | None = None,
    plant: float | None = None,
    noise: float | str | None = None,
    mask: str | None = None,
    average: str | None = None,
    users: str | None = None,
    repeats: str | None = None,
    ranking: str | None = None,
    select: str | None = None,
    bands: str | None = None,
    encoder: str | None = None,
    train: Mapping[str, Any] | None = None,
    epochs: int | None = None,
    patience: int | None = None,
    eval_every: int | None = None,
    lr: Numbers | None = None,
    l2: Numbers | None = None,
    dim: Numbers | None = None,
    batch_size: Numbers | None = None,
    optimiser: str | None = None,
    time_limit: float | None = None,
    columns: Mapping[str, Any] | None = None,
    plugins: Folder | Sequence[Folder] | None = None,
    data_dir: Folder | None = None,
    out: Folder | None = None,
    name: str | None = None,
    jobs: int | str | None = None,
    threads: int | None = None,
    device: str | None = None,
    overwrite: str | None = None,
    checkpoint_every: int | None = None,
    shard: str | None = None,
    engine: str | None = None,
    scheduler: str | None = None,
    workers: int | None = None,
    track: Words | None = None,
    progress: bool = True,
) -> Run:
    """Train, rank and compare; finished cells of the same folder are kept.

    Options read as on the command line; without `seeds` there are five, or three where five would
    take over an hour, and a folder with finished cells keeps its own. `config` is a mapping as in
    an experiment file, `train` its section of that name, `columns` the names of user, item, time
    and rating in a file of yours. `datasets` may also be pandas DataFrames and arrays [n, 2] of
    users and items, read as a file is, and `Interactions`, taken as they are; `methods` may also be
    functions that build a Method, each in a file, by whose source its cells are known. Such a run
    goes on by the same call, not by `negbench resume`.

    A list of values is a sweep, one row a value: `methods="dns(candidates=[2,4,8])"`,
    `backbones="mf(lr=[0.001,0.01])"`, `lr=[0.001, 0.01]`.

    A bar is shown where standard error is a terminal; messages go to the logger "negbench". With
    `jobs` above 1 your script must guard its start with `if __name__ == "__main__":`, as all of
    Python's process pools ask.

    Raises UserError for a wrong option, and RuntimeError if no cell could be trained; cells that
    failed beside others are in `Run.failed`.
    """
    given = {**locals()}  # the parameters, before any other name is there
    from negbench.data.in_memory import holding

    config, progress, columns = (given.pop(key) for key in ("config", "progress", "columns"))
    for key, value in (("config", config), ("columns", columns)):
        if value is not None and not isinstance(value, Mapping):
            raise UserError(f"{key} must be a mapping of options; got {shown(value)}")
    if not isinstance(progress, bool):
        raise UserError(f"progress must be True or False; got {shown(progress)}")
    typed = {key: value for key, value in {**given, **(columns or {})}.items() if value is not None}
    with holding():
        return _run(config or {}, typed, progress=progress)


def _run(config: Mapping[str, Any], typed: Mapping[str, Any], *, progress: bool) -> Run:
    from negbench.data.dataset_words import both_meanings
    from negbench.data.in_memory import MARK
    from negbench.experiment import run_grid
    from negbench.experiment.console import PATIENCE
    from negbench.experiment.default_seeds import settle
    from negbench.experiment.options.options import build, merge
    from negbench.experiment.plan import plan

    flat = merge(config, typed)
    chosen = build(flat)
    if chosen.engine == "dask" and any(each.startswith(MARK) for each in chosen.datasets):
        raise UserError("dask's workers read files; write the data handed over in Python to one")
    for sentence in both_meanings(chosen.datasets, chosen.data_dir):
        logger.warning("negbench: %s", sentence)
    grid, out = plan(chosen), run_grid.folder_of(chosen)
    if "seeds" not in flat:
        settled = settle(chosen, grid, out, run_grid.device_of(chosen), patience=PATIENCE)
        chosen, grid = settled.options, settled.plan
        if settled.line:
            logger.warning("negbench: %s", settled.line)
    result = run_grid.carry_out(chosen, grid, out, bar=None if progress else False)
    if result.failed and not result.done:  # a shard may have no cell
        label, reason = result.failed[0]
        raise RuntimeError(f"all {len(result.failed)} cells failed, the first, {label}: {reason}")
    return open_run(result.out)
