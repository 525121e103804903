"""A table whose rows are brought up to date where they are read: which reads bring which rows."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from negbench.protocol import Leaves, Similarity
from negbench.protocol.row_table import LateRows, RowTable, RowView

USERS, ITEMS, WIDTH = 3, 5, 4
ALL = "all"


class Asked(list):
    """Stands for an optimiser: notes which rows it is asked for."""

    def __call__(self, ids):
        self.append(ALL if ids is None else sorted(set(ids.reshape(-1).tolist())))


@pytest.fixture
def asked():
    return Asked()


@pytest.fixture
def table(asked):
    values = torch.randn(USERS + ITEMS, WIDTH, generator=torch.Generator().manual_seed(0))
    rows = RowTable(nn.Parameter(values))
    rows.catch_up = asked
    return rows


IDS = torch.tensor([[4, 0], [0, 1]])
BY_IDS = {
    "embedding": lambda items: F.embedding(IDS, items),
    "embedding of a detached one": lambda items: F.embedding(IDS, items.detach()),
    "an index": lambda items: items[IDS],
    "an index from the end": lambda items: items[torch.where(IDS == 4, -1, IDS)],
    "index_select": lambda items: items.index_select(0, IDS.reshape(-1)).view(2, 2, WIDTH),
}


@pytest.mark.parametrize("how", BY_IDS)
def test_rows_taken_by_ids_are_asked_for_and_no_others(table, asked, how):
    _, items = table.parts(USERS)
    rows = BY_IDS[how](items)
    assert asked == [[USERS, USERS + 1, USERS + 4]]
    assert type(rows) is torch.Tensor
    assert torch.equal(rows, table.parameter.detach()[USERS:][IDS])
    assert table.n_read == IDS.numel()


WHOLE = {
    "a product": lambda items: torch.ones(1, WIDTH) @ items.T,
    "a mean": lambda items: items.mean(0),
    "a slice": lambda items: items[1:],
    "a row": lambda items: items[0],
    "a mask": lambda items: items[torch.ones(ITEMS, dtype=torch.bool)],
    "numpy": lambda items: items.numpy(),
    "in a list": lambda items: torch.cat([items, torch.ones(1, WIDTH)]),
    "by name": lambda items: torch.mm(torch.ones(1, ITEMS), mat2=items),
}


@pytest.mark.parametrize("how", WHOLE)
def test_whatever_else_is_done_has_all_rows_up_to_date(table, asked, how):
    _, items = table.parts(USERS)
    WHOLE[how](items)
    assert asked and asked[0] == ALL


def test_its_shape_and_its_gradient_are_no_read(table, asked):
    users, items = table.parts(USERS)
    assert (len(items), users.shape, items.dtype, items.device.type) == (
        ITEMS,
        (USERS, WIDTH),
        torch.float32,
        "cpu",
    )
    leaf = items.detach().requires_grad_()
    assert isinstance(leaf, LateRows) and leaf.grad is None and leaf.is_leaf
    assert not asked


def test_gradient_flows_through_rows_that_are_read(table):
    _, items = table.parts(USERS)
    leaf = items.detach().requires_grad_()
    leaf[IDS].sum().backward()
    assert torch.equal(leaf.grad, torch.tensor([2.0, 1, 0, 0, 1]).unsqueeze(1).expand(ITEMS, WIDTH))
    assert not isinstance(leaf.grad, LateRows)


def view_of(table):
    users, items = table.parts(USERS)
    query, positive = (torch.ones(2, WIDTH).requires_grad_() for _ in range(2))
    leaves = Leaves(query=query, positive=positive)
    return RowView(query, items, positive, Similarity(), users, leaves=leaves)


def test_a_view_asks_for_what_it_scores(table, asked):
    view = view_of(table)
    view.score_rows(IDS)
    view.score_shared(torch.tensor([2]))
    with torch.no_grad():
        view.score_rows(IDS)
        view.score_rows(torch.arange(ITEMS).expand(2, ITEMS))
    assert asked == [[3, 4, 7], [5], [3, 4, 7], [3, 4, 5, 6, 7]]


def test_a_table_without_such_an_optimiser_is_a_plain_one():
    table = RowTable(nn.Parameter(torch.ones(USERS + ITEMS, WIDTH)))
    users, items = table.parts(USERS)
    assert (type(users), type(items), table.by_rows) == (torch.Tensor, torch.Tensor, False)
    table.begin()
    table.add(torch.tensor([1, 1]), torch.ones(2, WIDTH))
    assert torch.equal(table.parameter.grad[1], torch.full((WIDTH,), 2.0))


def test_few_touched_rows_are_zeroed_and_no_other(monkeypatch):
    table = RowTable(nn.Parameter(torch.ones(USERS + ITEMS, WIDTH)))
    table.begin()
    table.zero()  # all: it is not known which rows are touched
    table.add(torch.tensor([[1], [1]]), torch.ones(2, 1, WIDTH))
    table.parameter.grad[5] = 7.0  # behind the table's back: it shows which rows are zeroed
    table.zero()
    assert table.parameter.grad.sum(1).tolist() == [0, 0, 0, 0, 0, 7 * WIDTH, 0, 0]


@pytest.mark.parametrize("many", ["rows", "none", "input", "all"])
def test_all_rows_are_zeroed_where_many_or_unknown_ones_are_touched(many):
    """None is touched here, or of a network's input only some: autograd fills the gradient then."""
    table = RowTable(nn.Parameter(torch.ones(USERS + ITEMS, WIDTH)), is_input=many == "input")
    table.begin()
    table.zero()
    if many == "rows":
        table.add(torch.tensor([1, 2, 4]), torch.ones(3, WIDTH))
    elif many == "input":
        table.add(torch.tensor([1]), torch.ones(1, WIDTH))
    elif many == "all":
        table.add(torch.tensor([1]), torch.ones(1, WIDTH))
        table.whole()[4] += 1
    table.parameter.grad[5] = 7.0
    table.zero()
    assert not table.parameter.grad.any()


def test_gradients_are_kept_by_rows_until_all_are_asked_for(table):
    table.begin()
    table.add(torch.tensor([[1], [1]]), torch.ones(2, 1, WIDTH))
    assert table.parameter.grad is None and len(table.received) == 1
    table.whole()[2] += 3
    table.add(torch.tensor([2]), torch.ones(1, WIDTH))
    assert table.parameter.grad.sum(1).tolist() == [0, 2 * WIDTH, 4 * WIDTH, 0, 0, 0, 0, 0]


def test_a_copy_is_of_the_table_up_to_date_and_without_its_optimiser(table, asked):
    model = nn.Module()
    model.table, model.rows = table.parameter, table
    table.catch_up = lambda ids: table.parameter.data.fill_(7.0)
    twin = copy.deepcopy(model)
    assert twin.rows.parameter is twin.table and not twin.rows.by_rows
    assert bool((twin.table == 7).all())
