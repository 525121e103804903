"""Training by either kind of row kernels: the same weights and measures within rounding."""

import json

import pytest
import torch
from helpers import kernels
from helpers.small_runs import trained_cell

from negbench.errors import UserError
from negbench.experiment.api import run
from negbench.experiment.cell.code_mark import code_mark
from negbench.experiment.cell.run import prepare_fit
from negbench.experiment.cell.spec import CellSpec
from negbench.ops import row_kernels
from negbench.scenario.scenario import prepare
from negbench.testing import conforms
from negbench.training.config import TrainConfig

DATA = "synthetic(users=60,items=100,interactions=1200,relevant=0.4)"
BACKBONES = ["mf", "lightgcn", "xsimgcl", "ngcf", "sasrec", "gru4rec"]
METHODS = ["random", "random(negatives=7)", "dns", "mixgcf", "softmax_rho"]
CPU = torch.device("cpu")


def trained(kind, backbone, method, epochs):
    """The weights after some epochs, and the products of the last step that were compiled."""
    with pytest.MonkeyPatch.context() as patch:
        kernels.use(kind, patch)
        spec = CellSpec(DATA, backbone, method, train=TrainConfig(epochs=1, dim=8), probe="off")
        fit = prepare_fit(spec, prepare(DATA), CPU)
        fit.backbone.train()
        for number in range(epochs):
            fit.refresh(number + 1)
            for step, batch in enumerate(fit.batches.epoch(fit.streams["batches"]), 1):
                outcome = fit.step(batch, number + 1, step)
        return fit.backbone.state_dict(), outcome.step.view.leaves.products


def apart(one, other):
    """The mean distance of two tensors: Adam moves single weights without a gradient by what
    rounding leaves of it, such as the bias of the keys of an attention."""
    return float((one - other).abs().mean())


@pytest.mark.parametrize("similarity", ["dot", "cosine"])
@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_backbone_learns_the_same_weights(backbone, similarity):
    term = f"{backbone}(similarity={similarity},batch_size=128)"
    weights, products = trained("numba", term, "random(negatives=3)", 2)
    by_torch, none = trained("torch", term, "random(negatives=3)", 2)
    assert len(products) == 1 and not none
    assert all(apart(weights[name], values) < 2e-4 for name, values in by_torch.items())


@pytest.mark.parametrize("method", METHODS)
def test_a_method_learns_the_same_weights(method):
    weights, _ = trained("numba", "mf(batch_size=128)", method, 1)
    by_torch, _ = trained("torch", "mf(batch_size=128)", method, 1)
    assert apart(weights["table"], by_torch["table"]) < 2e-4


@pytest.mark.parametrize("kind", kernels.KINDS)
@pytest.mark.parametrize("method", ["random", "dns", "softmax_rho", "mixgcf"])
def test_methods_conform_under_either(kind, method, monkeypatch):
    kernels.use(kind, monkeypatch)
    conforms(method)


def test_a_cell_of_either_measures_the_same_and_records_which(tmp_path, monkeypatch):
    spec = CellSpec("goodbooks", "mf", "random", train=TrainConfig(epochs=2, dim=16), probe="off")
    scenario, records, marks = prepare("goodbooks"), {}, set()
    for kind in kernels.KINDS:
        kernels.use(kind, monkeypatch)
        folder = trained_cell(spec, scenario, tmp_path / kind)
        records[kind] = json.loads((folder / "cell.json").read_text("utf-8"))
        assert records[kind]["environment"]["kernels"] == row_kernels.name()
        marks.add(code_mark(spec, CPU, 1))
    assert len(marks) == 2  # neither goes on from a checkpoint of the other
    one, other = (
        {(row["metric"], row["k"], row["band"], row["split"]): row["value"] for row in rows}
        for rows in (records[kind]["metrics"] for kind in kernels.KINDS)
    )
    assert one.keys() == other.keys()
    for key in (("ndcg", 20, "all", "valid"), ("ndcg", 20, "all", "test")):
        assert one[key] > 0.005 and other[key] == pytest.approx(one[key], rel=0.02)


def test_a_run_is_refused_where_its_kernels_cannot_run(tmp_path, monkeypatch):
    monkeypatch.setenv(row_kernels.SWITCH, "cython")
    with pytest.raises(UserError, match="must be numba or torch, or not be set; got 'cython'"):
        run(datasets=[DATA], methods=["random"], seeds=1, epochs=1, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
