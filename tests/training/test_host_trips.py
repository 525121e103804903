"""No step of a method waits for its device: what would stop the queue of a GPU is counted.

On a CPU by the operators whose answer the host must read: scalars, places of what is True, sizes
that depend on values. On a GPU, where there is one, by what CUDA itself reports.
"""

import warnings
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from negbench.backbones import mf
from negbench.composition import recipe
from negbench.data import membership
from negbench.ops import rng
from negbench.parts.losses import functions
from negbench.plugins import registry
from negbench.testing.toy_data import toy_context
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit

METHODS = [name for name in sorted(registry.names("methods")) if name != "preferdiff"]
METHODS += ["random(negatives=20)", "mixed(uniform=20)", "adar(mode=reverse)", "dmns(walk=direct)"]
ALLOWED = {
    # As many items as the step happens to teach, or rows for which no proposal was found.
    "til": {"_unique2", "index"},
    "pdrec_band": {"nonzero"},
    "aobpr": {"nonzero", "index"},
    # Once for each user of the step, or in blocks of as many users as fit.
    **dict.fromkeys(("mcns", "srns"), {"_unique2"}),
    "divns": {"index"},
    "irgan": {"repeat_interleave", "_local_scalar_dense"},
    # As wide as the longest history of the step.
    "talos": {"_local_scalar_dense"},
    # Only a CPU asks whether an own item is free; elsewhere all are treated alike.
    **dict.fromkeys(
        ("adaptive", "adaptive_mixed", "cbns", "in_batch", "mixed"), {"_local_scalar_dense"}
    ),
}
WAIT = ("til", "pdrec_band", "aobpr", "mcns", "srns", "divns", "irgan", "talos")
"""Those that wait on a GPU too, for the reasons above."""
ASKED = ("_local_scalar_dense", "nonzero", "masked_select", "_unique2", "unique_dim", "is_nonzero")


class Trips(TorchDispatchMode):
    """Writes down what the host asks."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        picked = args[1] if name in ("index", "index_put_", "_index_put_impl_") else ()
        by_truth = [at for at in picked if at is not None and at.dtype == torch.bool]
        sized = name == "repeat_interleave" and not (kwargs or {}).get("output_size")
        if name in ASKED or by_truth or sized:
            self.seen.append(name)
        return func(*args, **(kwargs or {}))


def fit_of(method: str, device: str = "cpu") -> Fit:
    random = torch.Generator().manual_seed(0)
    sets = [torch.randperm(50, generator=random)[:8].tolist() for _ in range(40)]
    scenario = toy_context(sets, n_items=50, device=torch.device(device))
    backbone = mf.build(mf.Config(dim=8, batch_size=64), scenario, rng.stream(0, "backbone"))
    fit = Fit(recipe(method).build(), backbone.to(device), scenario, TrainConfig(epochs=1))
    fit.refresh(1)
    return fit


@pytest.mark.parametrize("method", METHODS)
def test_a_step_asks_nothing(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU: after the first step of a stretch, which draws for all of them."""
    monkeypatch.setattr(membership, "host_sync_allowed", lambda users: False)
    monkeypatch.setattr(functions, "may_look", lambda values: False)
    fit = fit_of(method)
    batches = list(fit.batches.epoch(fit.streams["batches"]))
    fit.step(batches[0], 1, 1)
    with Trips() as trips:
        for number, batch in enumerate(batches[1:], 2):
            fit.step(batch, 1, number)
    assert set(trips.seen) <= ALLOWED.get(method.partition("(")[0], set())


def test_the_count_sees_what_is_asked() -> None:
    with Trips() as trips:
        values = torch.tensor([1.0, -1.0])
        float(values.sum())
        values[values > 0]
        values.nonzero()
        values[values > 0] = 2.0
    assert len(trips.seen) >= 4


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("method", [name for name in METHODS if name not in WAIT])
def test_a_step_on_a_gpu_does_not_wait(method: str) -> None:
    fit = fit_of(method, "cuda")
    batches = list(fit.batches.epoch(fit.streams["batches"]))
    fit.step(batches[0], 1, 1)
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for number, batch in enumerate(batches[1:], 2):
                fit.step(batch, 1, number)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert not [str(each.message) for each in caught if "synchroniz" in str(each.message)]
