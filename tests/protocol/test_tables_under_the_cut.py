"""A loss that indexes the view's tables itself: the cut gives the gradient of plain autograd."""

from dataclasses import replace

import pytest
import torch
from helpers.backbone_steps import assert_same, gradients, loss_of
from helpers.toy_data import small_context

from negbench.plugins import registry
from negbench.protocol.gradient_leaves import Leaves
from negbench.protocol.view import View

CONTEXT = small_context()
SMALL = {
    "mf": {},
    "lightgcn": {"layers": 2},
    "ngcf": {"layers": 1, "dropout": 0.0},
    "xsimgcl": {"layers": 2},
    "two_tower": {"embedding": 4, "hidden": 6},
    "sasrec": {"length": 8, "heads": 1},
    "dreamrec": {"length": 8, "heads": 1, "steps": 20, "stride": 5},
}


def by_hand(view, negatives):
    """BPR over rows of `items`, and a term of every other table that the view holds."""
    loss = loss_of(view, replace(negatives, ids=negatives.ids[:, :1]))
    gap = view.score_rows(view.items[negatives.ids]) - view.score_pair(view.positive)[:, None]
    loss = loss + torch.nn.functional.softplus(gap).mean() + view.items.square().mean()
    if view.users is not None:
        loss = loss + view.users[::3].square().mean()
    if view.item_layers is not None:
        layers = view.item_layers[negatives.ids]
        loss = loss + (view.query_layers.unsqueeze(1) * layers).amax(-2).sum(-1).exp().mean()
    return loss


@pytest.mark.parametrize("similarity", ["dot", "cosine"])
@pytest.mark.parametrize("name", SMALL)
def test_every_backbone(name, similarity):
    module = registry.load("backbones", name)
    config = module.Config(dim=8, l2=0.0, similarity=similarity, init=0.3, **SMALL[name])
    cut, plain, usual = (
        gradients(module, config, CONTEXT, "four", cut=cut, loss=loss)
        for cut, loss in ((True, by_hand), (False, by_hand), (True, loss_of))
    )
    assert_same(cut, plain, 1e-4)
    assert not torch.allclose(cut["table"], usual["table"])


def test_layers_read_by_hand_are_those_of_layer_rows():
    """Under the cut both list a leaf; without gradient neither does."""
    module = registry.load("backbones", "lightgcn")
    config = module.Config(dim=8, l2=0.0, layers=2)

    def loss(read):
        return lambda view, negatives: read(view, negatives.ids).square().sum()

    by_rows, by_index = (
        gradients(module, config, CONTEXT, "one", cut=True, loss=loss(read))
        for read in (View.layer_rows, lambda view, ids: view.item_layers[ids])
    )
    assert torch.equal(by_rows["table"], by_index["table"])
    leaves = Leaves()
    view = View(torch.ones(1, 2), torch.ones(3, 2), torch.ones(1, 2), leaves=leaves)
    assert view.items.data_ptr() == leaves.items.data_ptr() and not leaves.reached()
    view.items[torch.tensor([1])].sum().backward()
    assert leaves.reached()


def test_a_transform_with_items_of_its_own_keeps_its_gradient():
    """Rows of another table are no rows of the backbone's, neither gathered nor as products."""
    base, net = torch.randn(3, 2), torch.nn.Linear(2, 2)
    for ids in (torch.tensor([[0]]), torch.arange(12).unsqueeze(0) % 3):
        net.zero_grad()
        query = torch.ones(1, 2, requires_grad=True)
        view = View(query, base, base[:1], leaves=Leaves())
        replace(view, items=net(view.items)).score_rows(ids).sum().backward()
        expected = torch.autograd.grad(net(base)[ids[0]].sum(), net.weight)[0]
        torch.testing.assert_close(net.weight.grad, expected)
        assert not view.leaves.rows and not view.leaves.products
        assert view.leaves.items.grad is not None
