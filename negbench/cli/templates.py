"""What `new` writes: $name and $title are filled in."""

from negbench.cli import small_templates as small

METHOD = '''"""$title: in one sentence, what is drawn, kept, weighed or minimised.

    j* = argmax_{j in C} s(u, j),   C = M uniform draws outside P_u        (your formula)

Authors, "Title", venue year (link). What differs from the paper, and why. Cost per step in B rows,
N negatives, M candidates, D width: M dot products a row.
"""

from dataclasses import dataclass

from negbench.parts import BPR, TopM, Uniform
from negbench.protocol import Card, Method

CARD = Card(title="$title", family="dynamic", moves=("stages",), provenance="ours")


@dataclass(frozen=True)
class Config:
    """The settings; each can be typed, as in $name(candidates=16)."""

    candidates: int = 8
    """M, 1 or more."""


def build(config: Config) -> Method:
    """Draw M uniformly, keep the one that scores highest, minimise BPR."""
    return Method(sampler=Uniform(config.candidates), stages=(TopM(1),), objective=BPR())
'''

METHOD_TEST = '''"""$title keeps the contract of every method; add what your theory promises."""

from pathlib import Path

import pytest

from negbench.plugins import registry
from negbench.testing import CHECKS, conforms

registry.add_plugin(Path(__file__).with_name("$name.py"))


@pytest.mark.parametrize("check", CHECKS)
def test_conforms(check: str) -> None:
    conforms("$name", check)


def test_parameters_are_taken() -> None:
    conforms("$name(candidates=2)")
'''

BACKBONE = '''"""$title: in one sentence, how a user and an item are scored.

    s(u, i) = <p_u, q_i>                                                    (your formula)

Authors, "Title", venue year (link). What differs from the paper, and why.
"""

from dataclasses import dataclass

import torch
from torch import nn

from negbench.protocol import Batch, Card, Csr, Negatives, RankingVectors, Similarity
from negbench.protocol import TrainContext, View

CARD = Card(title="$title", family="backbone", provides=("users",), provenance="ours")


@dataclass(frozen=True)
class Config:
    """The settings, the same for every method; each can be typed, as in $name(dim=32)."""

    dim: int = 64
    lr: float = 0.01
    l2: float = 0.01
    batch_size: int = 2048


class Model(nn.Module):
    """A table of users [U, D] and one of items [I, D]; autograd does the rest."""

    feed = "pairs"

    def __init__(self, config: Config, context: TrainContext, generator: torch.Generator) -> None:
        """Draw the first vectors from the generator, never from torch's global one."""
        super().__init__()
        self.config, u = config, context.n_users
        size = u + context.n_items, config.dim
        first = 0.1 * torch.randn(*size, generator=generator, device=generator.device)
        first = first.to(context.device)
        self.users, self.items = nn.Parameter(first[:u].clone()), nn.Parameter(first[u:].clone())

    def view(self, batch: Batch, generator: torch.Generator, *, cut: bool = True) -> View:
        """The vectors of the batch's rows; plain autograd runs through, nothing is cut."""
        return View(self.users[batch.users], self.items, self.items[batch.items], users=self.users)

    def backward(self, batch: Batch, view: View, negatives: Negatives) -> None:
        """The loss has filled the gradients by autograd; add those of the L2 penalty."""
        rows = [self.users[batch.users], self.items[batch.items]]
        if negatives.ids is not None:
            rows.append(self.items[negatives.ids])
        penalty = torch.stack([row.square().sum(-1).mean() for row in rows]).sum()
        torch.autograd.backward(self.config.l2 / 2 * penalty)

    @torch.no_grad()
    def encode(self, history: Csr) -> RankingVectors:
        """Vectors for ranking; `history` is each user's past, for sequence models."""
        return RankingVectors(self.items, Similarity(), self.users.__getitem__, self.users)


def build(config: Config, context: TrainContext, generator: torch.Generator) -> Model:
    """A fresh backbone; `context` holds the train pairs and the numbers of users and items."""
    return Model(config, context, generator)
'''

BACKBONE_TEST = '''"""$title keeps the contract of every backbone; add what your theory promises."""

from pathlib import Path

import pytest

from negbench.plugins import registry
from negbench.testing.backbone_checks import BACKBONE_CHECKS, backbone_conforms

registry.add_plugin(Path(__file__).with_name("$name.py"))


@pytest.mark.parametrize("check", BACKBONE_CHECKS)
def test_conforms(check: str) -> None:
    backbone_conforms("$name", check)
'''

DATASET = '''"""$title: what a line of the file is, and which lines count as positives.

Layout: `$name.csv` with the columns user, item, rating and time.

    negbench run --plugin $name.py --data-dir FOLDER -d $name -m random,dns
"""

from dataclasses import dataclass

import pandas as pd

from negbench.data.download.file_cache import DatasetFiles, FileCache
from negbench.data.interactions import Interactions
from negbench.data.raw_rows import RawRows, raw_ids
from negbench.data.reindex import reindex
from negbench.protocol import Card

CARD = Card(title="$title", family="ratings", provides=("order",), provenance="ours")
FILES = DatasetFiles(folders=("$name",), files=("$name.csv",))


@dataclass(frozen=True)
class Config:
    """What counts as a positive."""

    min_rating: float = 4.0
    """Least rating of a positive."""


def load(config: Config, cache: FileCache) -> Interactions:
    """Read the file from --data-dir; users and items are numbered by first appearance."""
    table = pd.read_csv(cache.find(FILES)["$name.csv"], dtype={"user": str, "item": str})
    rows = RawRows(
        users=raw_ids(table["user"]),
        items=raw_ids(table["item"]),
        ratings=table["rating"].to_numpy(float),
        times=table["time"].to_numpy(float),
    )
    return reindex(rows, name="$name", min_rating=config.min_rating)
'''

DATASET_TEST = '''"""$title is read as its file says."""

from pathlib import Path

from negbench.data.load import load
from negbench.plugins import registry

registry.add_plugin(Path(__file__).with_name("$name.py"))
LINES = """user,item,rating,time
ann,tea,5,10
ann,rum,2,11
bob,tea,4,12
bob,gin,5,13
"""


def test_positives_are_the_lines_of_four_and_more(tmp_path: Path) -> None:
    (tmp_path / "$name.csv").write_text(LINES)
    data = load("$name", data_dir=tmp_path)
    assert (data.n_users, len(data.users)) == (2, 3)
    assert load("$name(min_rating=5)", data_dir=tmp_path).n_items == 2
'''

PLUGINS = {
    "method": METHOD,
    "backbone": BACKBONE,
    "dataset": DATASET,
    "objective": small.OBJECTIVE,
    "metric": small.METRIC,
    "reference": small.REFERENCE,
    "probe": small.PROBE,
    "figure": small.FIGURE,
}
TESTS = dict.fromkeys(PLUGINS, small.TEST) | {
    "method": METHOD_TEST,
    "backbone": BACKBONE_TEST,
    "dataset": DATASET_TEST,
    "figure": small.FIGURE_TEST,
}
