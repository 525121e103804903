"""Adam row by row: it ends where dense Adam does, whatever is read and touched on the way."""

import copy

import pytest
import torch
from helpers import kernels
from helpers.toy_data import small_context
from torch import nn
from torch.optim import SGD, Adagrad, Adam

from negbench.backbones import mf
from negbench.composition import recipe
from negbench.ops import rng
from negbench.protocol import row_table
from negbench.protocol.row_table import RowTable
from negbench.training import row_adam
from negbench.training.config import TrainConfig
from negbench.training.fit import Fit
from negbench.training.missed_moves import MissedMoves
from negbench.training.optimisers import updated_by_rows, zero_gradients
from negbench.training.row_adam import RowAdam

BETAS = (0.9, 0.999)
RATE = 0.01
ROWS, WIDTH = 300, 4


@pytest.fixture(params=kernels.KINDS, autouse=True)
def kind(request, monkeypatch):
    """Torch on copies of the rows, and compiled loops."""
    kernels.use(request.param, monkeypatch)
    return request.param


class Twins:
    """A table updated row by row, and the same one by torch's Adam, in float64."""

    def __init__(self, exact=torch.float64):
        values = torch.randn(ROWS, WIDTH, generator=torch.Generator().manual_seed(0)) / 10
        self.late, self.exact = nn.Parameter(values.clone()), nn.Parameter(values.to(exact))
        self.table = RowTable(self.late)
        self.by_rows = RowAdam(self.table, RATE, BETAS)
        self.dense = Adam([self.exact], lr=RATE, betas=BETAS, fused=True)

    def step(self, ids, gradients, whole=None):
        zero_gradients([self.by_rows])
        exact = gradients.to(self.exact.dtype)
        self.exact.grad = torch.zeros_like(self.exact).index_add_(0, ids, exact)
        self.table.begin()
        self.table.add(ids, gradients)
        if whole is not None:
            self.exact.grad += whole
            self.table.whole().add_(whole)
        self.dense.step()
        self.by_rows.step()

    def set_rate(self, rate):
        for optimiser in (self.by_rows, self.dense):
            optimiser.param_groups[0]["lr"] = rate

    def apart(self, ids=None):
        """The greatest difference of the rows `ids`, read as a step reads them, in rates."""
        self.table.read(ids)
        rows = slice(None) if ids is None else ids
        return float((self.late.detach() - self.exact.detach())[rows].abs().max()) / RATE


def gradients_of(n, generator, size=1e-3, least=0.5):
    """Gradients of both signs, of which none is near Adam's epsilon where `least` is above 0."""
    sizes = least + torch.rand(n, WIDTH, generator=generator)
    return sizes * size * (torch.randint(0, 2, (n, WIDTH), generator=generator) * 2 - 1)


@pytest.mark.parametrize("read_every", [1, 7, 400])
def test_a_thousand_steps_end_where_dense_adam_does(read_every):
    twins, generator = Twins(), torch.Generator().manual_seed(1)
    for number in range(1000):
        if number == 500:
            twins.set_rate(RATE / 3)
        hot = ROWS if number % 3 else 8  # some rows come often, others after hundreds of steps
        ids = torch.randint(0, hot, (3,), generator=generator)
        twins.step(ids, gradients_of(3, generator))
        if number % read_every == 0:
            assert twins.apart(torch.randint(0, ROWS, (20,), generator=generator)) < 2e-4
    assert twins.by_rows.by_rows
    assert twins.apart() < 2e-4
    start = Twins().exact.detach()
    moved = (twins.exact.detach() - start).abs().amax(1)
    assert float(moved.min()) > RATE, "every row has moved"
    moments = twins.dense.state[twins.exact]
    gap = (1000 - twins.by_rows.moments.last).unsqueeze(1)
    square = twins.by_rows.moments.square * BETAS[1] ** gap
    torch.testing.assert_close(square, moments["exp_avg_sq"].float(), rtol=1e-3, atol=0)


@pytest.mark.parametrize("size", [1e-6, 1e-8, 1e-10])
def test_gradients_as_small_as_epsilon_stay_within_the_bound(size):
    """A missed move is then too small by a fifth at most, and ten rates are the most of a move."""
    twins, generator = Twins(), torch.Generator().manual_seed(2)
    for _ in range(400):
        ids = torch.randint(0, ROWS, (3,), generator=generator)
        twins.step(ids, gradients_of(3, generator, size=size, least=0.0))
    assert twins.apart() < 0.2


def test_a_step_whose_gradient_reaches_all_rows_is_adams_too():
    twins, generator = Twins(), torch.Generator().manual_seed(3)
    for number in range(60):
        ids = torch.randint(0, ROWS, (3,), generator=generator)
        whole = gradients_of(ROWS, generator) if number in (20, 21, 40) else None
        twins.step(ids, gradients_of(3, generator), whole)
    assert twins.apart() < 2e-4
    assert twins.late.grad is None, "the memory of all gradients is given back"


def test_a_row_may_be_read_twice_at_once():
    twins, generator = Twins(), torch.Generator().manual_seed(4)
    for _ in range(5):
        twins.step(torch.tensor([7, 7, 9]), gradients_of(3, generator))
    twins.step(torch.tensor([1]), gradients_of(1, generator))
    assert twins.apart(torch.tensor([7, 9, 7, 7])) < 2e-4


def test_a_step_without_a_backward_pass_is_none():
    twins, generator = Twins(), torch.Generator().manual_seed(5)
    twins.step(torch.tensor([7]), gradients_of(1, generator))
    twins.by_rows.step()
    assert (twins.by_rows.moments.step, twins.apart() < 2e-4) == (1, True)


def test_what_costs_least_is_decided_by_the_first_steps_reads(monkeypatch):
    for prefix in ("", "COMPILED_"):
        monkeypatch.setattr(row_adam, f"{prefix}ROWS_PER_READ", 20)
        monkeypatch.setattr(row_adam, f"{prefix}ROWS_PER_UPDATE", 0)
    for read, by_rows in ((ROWS // 20, True), (ROWS // 20 + 1, False)):
        twins, generator = Twins(torch.float32), torch.Generator().manual_seed(6)
        twins.table.read(torch.zeros(read, dtype=torch.int64))
        for _ in range(3):
            twins.step(torch.tensor([1, 2, 1]), gradients_of(3, generator))
        assert twins.by_rows.by_rows is by_rows
        if not by_rows:
            assert torch.equal(twins.late, twins.exact), "to the bit"


CONTEXT = small_context()


def fit_of(method, optimiser="adam", epochs=3, **settings):
    config = mf.Config(**{"dim": 4, "batch_size": 32, "lr": 0.01, "l2": 0.01, **settings})
    backbone = mf.build(config, CONTEXT, rng.stream(0, "init"))
    train = TrainConfig(epochs=epochs, optimiser=optimiser)
    return Fit(recipe(method).build(), backbone, CONTEXT, train)


@pytest.fixture
def small_tables_too(monkeypatch):
    monkeypatch.setattr(row_adam, "LEAST_ROWS", 0)
    monkeypatch.setattr(RowAdam, "_reads_much", lambda *_: False)


METHODS = [
    "random",
    "popularity",
    "dns(candidates=4)",
    "mixed",
    "in_batch",
    "adv_infonce",
    "directau",
    "srns",
    "dmns",
    "popularity+dns",
]


@pytest.mark.parametrize("method", METHODS)
def test_methods_train_as_with_dense_adam_whatever_they_read(method, small_tables_too):
    late, exact = fit_of(method), fit_of(method, "adam_exact")
    assert [late.epoch()["loss"] for _ in range(3)] == pytest.approx(
        [exact.epoch()["loss"] for _ in range(3)], rel=1e-3
    )
    assert updated_by_rows(late.optimisers) and not updated_by_rows(exact.optimisers)
    assert exact.optimisers[0].param_groups[0]["params"], "the table is torch's"
    apart = (late.backbone.table - exact.backbone.table).detach().abs()
    assert float(apart.max()) < 0.1 * 0.01 and float(apart.mean()) < 1e-3 * 0.01


@pytest.mark.parametrize("similarity", ["dot", "cosine"])
@pytest.mark.parametrize("method", METHODS)
def test_rows_are_zeroed_one_by_one_to_the_same_bits(method, similarity, monkeypatch):
    tables = []
    for few in (0.0, 1e9):
        monkeypatch.setattr(row_table, "FEW", few)
        fit = fit_of(method, "adam_exact", similarity=similarity)
        fit.epoch()
        fit.epoch()
        tables.append(fit.backbone.table.detach())
    assert torch.equal(*tables)


def test_what_is_read_before_the_first_step_decides_nothing(monkeypatch):
    monkeypatch.setattr(row_adam, "LEAST_ROWS", 0)
    for prefix in ("", "COMPILED_"):
        monkeypatch.setattr(row_adam, f"{prefix}ROWS_PER_UPDATE", 0)
        monkeypatch.setattr(row_adam, f"{prefix}ROWS_PER_READ", 0.5)
    fit = fit_of("random", epochs=1)
    fit.backbone.encode(CONTEXT.train)
    rows, read = len(fit.backbone.table), 3 * fit.backbone.config.batch_size
    assert 0.5 * read <= rows < 0.5 * (read + rows)
    fit.epoch()
    assert updated_by_rows(fit.optimisers)


def test_a_resumed_fit_goes_on_bit_for_bit(small_tables_too):
    first, second = fit_of("dns(candidates=4)"), fit_of("dns(candidates=4)")
    first.epoch()
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert first.epoch() == second.epoch()
    assert torch.equal(first.backbone.table, second.backbone.table)


def test_rows_that_a_gradient_reaches_cost_more_than_rows_that_are_read(monkeypatch):
    for prefix in ("", "COMPILED_"):
        monkeypatch.setattr(row_adam, f"{prefix}ROWS_PER_READ", 0)
    for updates, by_rows in ((ROWS // 3, True), (ROWS // 3 + 1, False)):
        for prefix in ("", "COMPILED_"):
            monkeypatch.setattr(row_adam, f"{prefix}ROWS_PER_UPDATE", updates)
        twins = Twins()
        twins.step(torch.tensor([1, 2, 1]), torch.ones(3, WIDTH))
        assert twins.by_rows.by_rows is by_rows


def test_a_resumed_fit_goes_on_with_torchs_adam_where_it_had_it(monkeypatch):
    monkeypatch.setattr(row_adam, "LEAST_ROWS", 0)
    first, second = fit_of("random"), fit_of("random")
    first.epoch()
    assert not updated_by_rows(first.optimisers)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert first.epoch() == second.epoch()
    assert torch.equal(first.backbone.table, second.backbone.table)


def test_a_read_table_is_the_one_that_is_ranked_by(small_tables_too):
    """After a step, before the end of its epoch."""
    late, exact = fit_of("random"), fit_of("random", "adam_exact")
    for fit in (late, exact):
        for number, batch in enumerate(fit.batches.epoch(rng.stream(0, "batches")), 1):
            fit.step(batch, 1, number)
    items = [fit.backbone.encode(CONTEXT.train).items for fit in (late, exact)]
    torch.testing.assert_close(*items, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("settings", "optimiser"), [({"weight_decay": 0.1}, "adam"), ({}, "adam_exact"), ({}, "sgd")]
)
def test_whole_tables_where_rows_never_rest_or_others_are_asked_for(
    settings, optimiser, small_tables_too
):
    fit = fit_of("random", optimiser, **settings)
    assert not any(isinstance(each, RowAdam) for each in fit.optimisers)
    assert not fit.backbone.rows.by_rows


@pytest.mark.parametrize(("name", "kind"), [("sgd", SGD), ("adagrad", Adagrad)])
def test_other_optimisers_are_torchs(name, kind):
    fit = fit_of("random", name, lr=5.0 if name == "sgd" else 0.1)
    assert [type(each) for each in fit.optimisers] == [kind]
    losses = [fit.epoch()["loss"] for _ in range(3)]
    assert losses[-1] < losses[0]


def test_an_unknown_optimiser_is_refused():
    with pytest.raises(ValueError, match=r"must be one of adam, adam_exact, .*; got 'adamw'"):
        TrainConfig(optimiser="adamw")


def test_moves_are_missed_no_longer_than_they_count():
    """After `reach` steps a row rests: reading it again costs nothing more."""
    twins, generator = Twins(), torch.Generator().manual_seed(7)
    twins.step(torch.tensor([5]), gradients_of(1, generator))
    for _ in range(MissedMoves(BETAS).reach + 1):
        twins.step(torch.tensor([6]), gradients_of(1, generator))
    assert twins.apart(torch.tensor([5])) < 2e-4
    assert not twins.by_rows.moments.moving[5] and twins.by_rows.moments.moving[6]


def test_steps_at_a_rate_of_0_are_missed_without_a_trace():
    """As a warm-up has them: nothing moves in them, and momentum is left afterwards."""
    twins, generator = Twins(), torch.Generator().manual_seed(8)
    for rate in (0.0, 0.0, RATE, RATE):
        twins.set_rate(rate)
        twins.step(torch.randint(0, 9, (3,), generator=generator), gradients_of(3, generator))
        assert twins.apart(torch.arange(9)) < 2e-4
