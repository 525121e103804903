"""Two towers that read columns: the formula, cut against autograd, and cold items."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.backbone_steps import assert_same, batch_of, gradients, loss_of
from helpers.toy_data import context_of, small_context

from negbench.backbones import two_tower
from negbench.composition import recipe
from negbench.data.features import Categorical, Features, Numeric
from negbench.data.interactions import Csr
from negbench.ops import rng
from negbench.protocol import FeatureTable
from negbench.testing.backbone_checks import BACKBONE_CHECKS, backbone_conforms
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit

BARE = small_context()
BOTH = two_tower.Config(
    dim=8, embedding=6, hidden=10, feature_width=4, l2=0.0, features="both", init=0.5
)
PLAIN = replace(BOTH, id_dropout=0.0)
ITEMS = replace(PLAIN, features="items", ids="users")


def columns(n, seed=0):
    """Tags of 0 to 2 values, none of id 0, and two numbers."""
    draw = np.random.default_rng(seed)
    tags = [[f"t{t}" for t in draw.choice(5, at % 3, replace=False)] for at in range(n)]
    kinds = [[f"k{at % 3}"] if at else [] for at in range(n)]
    numbers = tuple(Numeric(name, draw.normal(size=n)) for name in ("size", "age"))
    return Features((Categorical.of("tags", tags), Categorical.of("kind", kinds)), numbers)


def with_columns(context, users=None, items=None):
    users = columns(context.n_users, 1) if users is None else users
    items = columns(context.n_items) if items is None else items
    of_users = FeatureTable.of(users, context.train.lengths > 0)
    of_items = FeatureTable.of(items, context.train.counts > 0)
    return replace(context, user_features=lambda: of_users, item_features=lambda: of_items)


WORLD = with_columns(BARE)


def fresh(config, context=WORLD):
    return two_tower.build(config, context, rng.stream(0, "init"))


def uneven(view, negatives):
    return loss_of(view, negatives) + view.score_pair(view.positive).pow(2).mean()


@pytest.mark.parametrize("kind", ["one", "many", "shared"])
@pytest.mark.parametrize("config", [PLAIN, BOTH], ids=["plain", "dropout"])
def test_cut_equals_autograd(config, kind):
    cut, plain = (
        gradients(two_tower, config, WORLD, kind, cut=cut, loss=uneven) for cut in (True, False)
    )
    assert any("embeddings" in name for name in cut)
    assert_same(cut, plain, 2e-5)


def side_by_side(module, table, n):
    """The columns of each id by a loop: the mean of its values' vectors, and its numbers."""
    rows = []
    for at in range(n):
        parts = []
        for bag, embedding in zip(table.categorical, module.embeddings, strict=True):
            codes = bag.codes[bag.offsets[at] : bag.offsets[at + 1]]
            parts.append(embedding[codes].mean(0) if len(codes) else torch.zeros(4))
        rows.append(torch.cat([*parts, table.numeric[at]]))
    return torch.stack(rows)


def test_scores_are_those_of_the_formula():
    backbone, batch = fresh(PLAIN), batch_of(fresh(PLAIN), WORLD)
    view = backbone.view(batch, rng.stream(0, "b"))
    p, q = backbone.table.split([WORLD.n_users, WORLD.n_items])
    about_users = side_by_side(backbone.user_columns, WORLD.user_features(), WORLD.n_users)
    about_items = side_by_side(backbone.item_columns, WORLD.item_features(), WORLD.n_items)

    def vector(tower, own, about):
        joined = torch.cat([tower.of_ids.weight, tower.of_others.weight], 1)
        inner = joined @ torch.cat([own, about]) + tower.of_ids.bias
        return tower.out.weight @ inner.clamp(min=0) + tower.out.bias

    for row in range(6):
        u, i = int(batch.users[row]), int(batch.items[row])
        user = vector(backbone.of_users, p[u], about_users[u])
        item = vector(backbone.of_items, q[i], about_items[i])
        wanted = torch.cosine_similarity(user, item, dim=0) / PLAIN.temperature
        torch.testing.assert_close(view.score_pair(view.positive)[row], wanted)


def test_without_ids_an_item_is_its_columns_alone():
    backbone = fresh(ITEMS)
    before = backbone.encode(WORLD.train)
    backbone.table.data[WORLD.n_users :] += 10
    assert torch.equal(backbone.encode(WORLD.train).items, before.items)
    backbone.table.data[: WORLD.n_users] += 10
    assert not torch.equal(backbone.encode(WORLD.train).users, before.users)


def test_ids_that_are_always_dropped_are_not_ranked_by():
    backbone = fresh(replace(PLAIN, id_dropout=1.0))
    before = backbone.encode(WORLD.train).items
    backbone.table.data[WORLD.n_users :] += 10
    assert torch.equal(backbone.encode(WORLD.train).items, before)


def test_a_cold_item_is_ranked_by_its_columns():
    """Items 3 and 4 have no train pair, and are of the kind that odd users like."""
    train = BARE.train
    kept = ~np.isin(train.indices, [3, 4])
    shape = {"n_rows": train.n_rows, "n_columns": train.n_columns}
    train = Csr.of(train.rows[kept], train.indices[kept], **shape)
    half = np.arange(train.n_columns) >= train.n_columns // 2
    half[[3, 4]] = True
    kinds = Features((Categorical.of("kind", [[str(each)] for each in half]),))
    world = with_columns(context_of(train), items=kinds)
    config = replace(ITEMS, batch_size=64, lr=0.02)
    backbone = fresh(config, world)
    fit = Fit(recipe("in_batch").build(), backbone, world, TrainConfig(epochs=15))
    for _ in range(15):
        fit.epoch()
    encoded = backbone.encode(world.train)
    torch.testing.assert_close(encoded.items[3], encoded.items[4])
    users = torch.arange(world.n_users)
    queries = encoded.similarity.query(encoded.query(users))
    scores = queries @ encoded.similarity.prepare(encoded.items[3:4]).T
    assert float(scores[users % 2 == 1].mean() - scores[users % 2 == 0].mean()) > 0.5


@pytest.mark.parametrize("check", BACKBONE_CHECKS)
@pytest.mark.parametrize("settings", ["features=both", "features=both,ids=none,texts=false"])
def test_conforms(settings, check):
    backbone_conforms(f"two_tower({settings})", check)


def test_it_says_what_it_needs():
    assert two_tower.Config().needs == ()
    assert ITEMS.needs == ("item_features",)
    assert PLAIN.needs == ("user_features", "item_features")
    with pytest.raises(ValueError, match="needs columns of items"):
        fresh(ITEMS, BARE)


@pytest.mark.parametrize("wrong", [{"ids": "users"}, {"ids": None, "features": "items"}])
def test_a_tower_that_would_read_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match="leaves nothing for"):
        replace(two_tower.Config(), **wrong)
