"""The bridges of examples/bridges/ with the real libraries: `make bridges`; skipped without them.

Each is run as it stands, on goodbooks: its loss falls, and no negative is a train item of its user.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from negbench.loss_module import Attached
from negbench.negative_sampler import NegativeSampler

BRIDGES = Path(__file__).resolve().parent.parent.parent / "examples" / "bridges"
pytestmark = pytest.mark.bridge


def bridge(name, *libraries):
    """An example as a module; skipped where one of its libraries is missing."""
    for library in libraries:
        pytest.importorskip(library)
    spec = importlib.util.spec_from_file_location(name, BRIDGES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Drawn:
    """The negatives that were used, and how many of them are train items of their user."""

    def __init__(self):
        self.rows = self.known = 0

    def add(self, context, users, ids, mask):
        keys = (users.unsqueeze(1) * context.n_items + ids).cpu().numpy()
        used = np.ones_like(keys, bool) if mask is None else mask.cpu().numpy()
        self.rows += int(used.sum())
        self.known += int(np.isin(keys[used], context.train.keys).sum())


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    """Libraries write logs where they are started."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def drawn(monkeypatch):
    """Watches every negative that a loss or a sampler of negbench uses."""
    watched, loss, draw = Drawn(), Attached.forward, NegativeSampler.__call__

    def watched_loss(self, *given, **named):
        value = loss(self, *given, **named)
        step, used = self.outcome.step, self.outcome.used
        watched.add(self.context, step.batch.users, used.ids, used.mask)
        return value

    def watched_draw(self, users, *given, **named):
        sampled = draw(self, users, *given, **named)
        watched.add(self.context, users, sampled.ids, sampled.mask)
        return sampled

    monkeypatch.setattr(Attached, "forward", watched_loss)
    monkeypatch.setattr(NegativeSampler, "__call__", watched_draw)
    return watched


def falls(losses):
    """Whether the last tenth of the losses lies well below the first."""
    part = max(1, len(losses) // 10)
    return np.mean(losses[-part:]) < 0.95 * np.mean(losses[:part])


def test_lightning(drawn):
    losses = bridge("lightning_module", "lightning").train()
    assert falls(losses) and len(losses) == 150
    assert drawn.rows > 100_000 and not drawn.known


def test_transformers(drawn):
    losses = bridge("transformers_trainer", "transformers", "accelerate").train()
    assert falls(losses) and len(losses) == 150
    assert drawn.rows > 100_000 and not drawn.known


def test_recbole(drawn):
    losses = bridge("recbole_model", "recbole").train()
    assert falls(losses) and losses == sorted(losses, reverse=True)
    assert drawn.rows > 100_000 and not drawn.known


def test_sentence_transformers():
    module = bridge("sentence_transformers_triplets", "sentence_transformers", "datasets")
    frame = module.mined()
    pairs = set(zip(frame["user"], frame["positive"], strict=True))
    assert len(frame) == module.K * len(pairs), "every train pair has its negatives"
    assert not pairs & set(zip(frame["user"], frame["negative"], strict=True))
    losses = module.train(frame)
    assert falls(losses) and len(losses) == 200


def test_examples_are_short():
    for path in BRIDGES.glob("*.py"):
        code = [line for line in path.read_text("utf-8").splitlines() if line.strip()]
        assert len(code) <= 80, path.name
