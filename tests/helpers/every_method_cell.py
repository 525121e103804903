"""Every registered method as a cell that is small and soon does what is its own, and its bits."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from helpers.small_runs import DATA, SMALL

from negbench.experiment.cell.spec import CellSpec, unfit
from negbench.experiment.options.options import build, flatten
from negbench.experiment.plan import plan
from negbench.experiment.run_grid import Result, carry_out
from negbench.plugins import registry
from negbench.storage import cell_store


def card_needs(name: str) -> tuple[str, ...]:
    """What a method asks of its backbone or of the data."""
    return registry.card("methods", name).needs


SOON = {
    "adar": "adar(warmup=1)",
    "adv_infonce": "adv_infonce(interval=1,adversarial_epochs=2)",
    "bc_loss": "bc_loss(freeze_epoch=1)",
    "cbns": "cbns(warm_up=1)",
    "ccdrec_cf": "ccdrec_cf(every=1,end=1)",
    "ddrm": "ddrm(warmup=1)",
    "ddrm_sampler": "ddrm_sampler(warmup=1)",
    "gnno": "gnno(start=2,growth=1)",
    "hnlmrec": "hnlmrec(warmup=1,ramp=1,every=1)",
    "napo": "napo(sft_epochs=1)",
    "pdrec_band": "pdrec_band(fit_epochs=2)",
    "shapley": "shapley(warmup=1,every=1)",
    "slatk": "slatk(period=2)",
    "srns": "srns(warmup=2)",
    "tce": "tce(ramp=1)",
}
"""Methods that begin as another one, set so that their own part begins with the second epoch."""
METHODS = [n for n in registry.names("methods") if "exposures" not in card_needs(n)]
"""All that these data can train: they were drawn without pairs shown in vain."""


def asked(name: str) -> str:
    """A method as it is typed here."""
    return SOON.get(name, name)


def first_backbone(name: str) -> str:
    """The first backbone that it can be trained on: mf where it may be."""
    choice = ["mf", *registry.names("backbones")]
    specs = (CellSpec(DATA, backbone, asked(name)) for backbone in choice)
    return next(spec.backbone for spec in specs if not unfit(spec, spec.scenario_key.prepare()))


BACKBONES = {name: first_backbone(name) for name in METHODS}
TIMES = ("seconds", "peak_memory_mb", "finished")


def each_on_its_backbone(out: Path, methods: list[str] = METHODS, **raw: object) -> Result:
    """One grid of these methods, each on its first backbone alone."""
    few = {"seeds": 1, "epochs": 2, "batch_size": 256, "log_negatives": 50, **raw}
    names = {asked(name): BACKBONES[name] for name in methods}
    grid = {"methods": ",".join(names), "backbones": sorted(set(names.values())), **few}
    options = build(flatten({**SMALL, **grid, "out": str(out)}))
    whole = plan(options)
    cells = tuple(c for c in whole.cells if names[c.spec.method] == c.spec.backbone)
    return carry_out(options, replace(whole, cells=cells), out, bar=False)


def bits(folder: Path) -> dict[str, object]:
    """Everything that a cell holds: record, epochs and arrays, without times and memory."""
    cell = cell_store.read_cell(folder)
    assert cell.done, cell.record["reason"]
    kept: dict[str, object] = {k: v for k, v in cell.record.items() if k not in TIMES}
    kept["epochs"] = [
        {name: value for name, value in row.items() if name not in ("wall", "cpu")}
        for row in cell.epochs()
    ]
    for path in sorted(folder.glob("*.npz")):
        with np.load(path, allow_pickle=False) as arrays:
            kept |= {f"{path.name}/{n}": (a.dtype, a.tobytes()) for n, a in arrays.items()}
    return kept


def by_method(out: Path) -> dict[str, Path]:
    """The cells of a run of one seed by method."""
    cells, damaged = cell_store.read_cells(out)
    assert not damaged
    return {cell.spec["method"]: cell.folder for cell in cells}
