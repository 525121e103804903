"""How many epochs a cell is likely to train: its best epoch so far known, and patience after it.

The best epochs below are those of one seed on the embedded data sets, with patience to spare,
counted from the first epoch of a method's own phase; `benchmarks/estimates.py` compares what is
made of them with real runs. For other data their mean is a first guess, which finished cells of the
same folder correct.
"""

import math
from statistics import geometric_mean

from negbench.experiment.cell.spec import CellSpec
from negbench.plugins import registry
from negbench.training.config import TrainConfig

COLUMNS = (
    ("goodbooks", "mf"),
    ("kuairec", "mf"),
    ("goodbooks", "lightgcn"),
    ("kuairec", "lightgcn"),
)
MEASURED = """
adaptive         7   3   -   -
adaptive_mixed  12   5   -   -
adar            58   1   -   -
adv_infonce     21   6   -   -
all_items        6   2  15   4
bc_loss         16   2   -   -
bsl             57  24  18  89
dcl             30   9   -   -
ddrm            40   -   -   -
dns             19   4  16  10
dns_mn          33   3   -   -
hcl             31  21   -   -
hnlmrec         54   -   -   -
in_batch         6   3   -   -
info_nce        42  21  16  76
mixed            6   3  16   5
napo             9   -   -   -
popularity      59   4   -   -
psl             38   8   -   -
random          63   3  62  16
shapley         33   -   -   -
til             61   4   -   -
"""
"""A method and its best epoch in each column, - where it was not measured."""
BEST = {
    (where, line.split()[0]): float(best)
    for line in MEASURED.strip().splitlines()
    for where, best in zip(COLUMNS, line.split()[1:], strict=True)
    if best != "-"
}
USUAL = "mf"
"""The backbone with which most methods were measured."""


def typical(spec: CellSpec, dataset: str) -> float:
    """The typical best epoch of a method's own phase on these data.

    A composition goes by its last method, a method that was not measured by its family, and a
    backbone that was not by `mf`.
    """
    method, backbone = spec.recipe.terms[-1].name, spec.backbone_term.name
    seen = {name for name, _ in COLUMNS}
    datasets = [dataset] if dataset in seen else sorted(seen)
    return geometric_mean(_best(method, (name, backbone)) for name in datasets)


def _best(method: str, where: tuple[str, str]) -> float:
    if (where, method) in BEST:
        return BEST[where, method]
    usual = (where[0], USUAL)
    if where != usual:
        both = [name for place, name in BEST if place == where and (usual, name) in BEST]
        ratios = [BEST[where, name] / BEST[usual, name] for name in both] or [1.0]
        return max(1.0, _best(method, usual) * geometric_mean(ratios))
    known = {name: best for (place, name), best in BEST.items() if place == usual}
    family = _family(method)
    alike = [best for name, best in known.items() if _family(name) == family]
    return geometric_mean(alike or known.values())


def _family(method: str) -> str:
    known = method in registry.names("methods")
    return registry.card("methods", method).family if known else ""


def epochs_until_patience(budget: TrainConfig, best: float, *, validated: bool) -> int:
    """Epochs of a cell whose best one is `best`; all of them where nothing is validated."""
    if not validated:
        return budget.epochs
    evaluations = math.ceil(round(best / budget.eval_every, 6)) + budget.patience
    return min(budget.epochs, evaluations * budget.eval_every)
