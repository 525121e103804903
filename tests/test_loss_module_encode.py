"""`negbench.attach`: items as a function encode(ids), without a matrix of the catalogue."""

import copy

import pytest
import torch
import torch.nn.functional as F
from helpers.every_method_cell import SOON
from helpers.own_loop import ITEMS, USERS, WITHOUT_A_COPY, Stranger

from negbench.errors import UserError
from negbench.loss_module import NEEDS_A_BACKBONE, attach
from negbench.plugins import registry
from negbench.protocol.encoded_items import CATALOGUE, EncodedItems, EncodedRows

U, POSITIVES = torch.from_numpy(USERS), torch.from_numpy(ITEMS)
IN_OWN_LOOPS = [
    name
    for name in registry.names("methods")
    if not set(registry.card("methods", name).needs) & set(NEEDS_A_BACKBONE)
]
WHOLE = [n for n in IN_OWN_LOOPS if CATALOGUE in registry.card("methods", n).needs]
EXACT_RANKS = "lambda_loss"
"""Reads all items as it is, and by its draws alone with another setting: no card can say so."""


def settings_of(name):
    """Settings in which the method's own part begins with the second epoch."""
    if name in WITHOUT_A_COPY:
        return "napo(loss=softmax,sft_epochs=1)"
    return {EXACT_RANKS: "lambda_loss(ranks=sampled)", **SOON}.get(name, name)


def trained(method, encoded, *, rows=60, steps=6):
    """The loss and all gradients of each step; two steps are an epoch."""
    model, loss = Stranger(), attach(method, USERS, ITEMS, n_items=40, dim=8, epoch_rows=2 * rows)
    groups = [{"params": model.parameters()}, *loss.parameter_groups(0.05)]
    optimiser = torch.optim.Adam(groups, lr=0.05)
    parameters, values = [*model.parameters(), *loss.parameters()], []
    for number in range(steps):
        batch = torch.randperm(len(U), generator=torch.Generator().manual_seed(number))[:rows]
        optimiser.zero_grad()
        items = model.item if encoded else model.item.weight
        value = loss(model.user(U[batch]), items, U[batch], POSITIVES[batch])
        if value.requires_grad:
            value.backward()
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in parameters]
        values.append([value.detach(), *gradients])
        loss.set_lr(optimiser, 0.05)
        optimiser.step()
    return values


@pytest.mark.filterwarnings("ignore:.*learning rate:UserWarning")
@pytest.mark.parametrize("name", [n for n in IN_OWN_LOOPS if n not in WHOLE])
def test_a_function_gives_the_loss_and_the_gradients_of_the_matrix(name):
    matrix, encoded = (trained(settings_of(name), each) for each in (False, True))
    for expected, actual in zip(matrix, encoded, strict=True):
        for e, a in zip(expected, actual, strict=True):
            torch.testing.assert_close(a, e, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", WHOLE)
def test_a_method_that_reads_all_items_is_refused_by_its_card_before_it_draws(name):
    model, loss = Stranger(), attach(WITHOUT_A_COPY.get(name, name), USERS, ITEMS, dim=8)
    before = loss.generator.get_state()
    given = model.user(U), model.item, U, POSITIVES
    with pytest.raises(UserError, match=rf"^{name}.* reads the vectors of all items"):
        loss(*given)
    with pytest.raises(UserError, match="give the item matrix"):
        loss.epoch(model.item, model.user.weight)
    assert torch.equal(loss.generator.get_state(), before) and not loss.epochs_begun


@pytest.mark.filterwarnings("ignore:.*learning rate:UserWarning")
@pytest.mark.parametrize("name", [*WHOLE, EXACT_RANKS])
def test_what_a_card_says_is_so_by_what_the_method_reads(name, monkeypatch):
    """In a catalogue that is much larger than a batch, without the card's word."""
    monkeypatch.setattr("negbench.training.given_items.CATALOGUE", "nothing")
    with pytest.raises(UserError, match="reads the vectors of all items"):
        trained(WITHOUT_A_COPY.get(name, name), encoded=True, rows=2, steps=8)


@pytest.mark.filterwarnings("ignore:.*learning rate:UserWarning")
@pytest.mark.parametrize("name", [n for n in IN_OWN_LOOPS if n not in [*WHOLE, EXACT_RANKS]])
def test_no_other_method_reads_all_items(name):
    for method in {settings_of(name), WITHOUT_A_COPY.get(name, name)}:
        trained(method, encoded=True, rows=2, steps=8)


def counting(model):
    """Its item vectors as a function, and what that was asked: (ids, with gradient) a call."""
    calls = []

    def encode(ids):
        calls.append((ids.tolist(), torch.is_grad_enabled()))
        return model.item(ids)

    return encode, calls


@pytest.mark.parametrize("name", ["random(negatives=3)", "dns(candidates=3)", "info_nce"])
def test_positives_and_negatives_are_encoded_in_one_call_each_id_once(name):
    model = Stranger()
    encode, calls = counting(model)
    loss = attach(name, USERS, ITEMS, n_items=40)
    loss(model.user(U[:9]), encode, U[:9], POSITIVES[:9]).backward()
    (learnt,) = [ids for ids, with_gradient in calls if with_gradient]
    used = loss.outcome.used.ids.flatten().tolist()
    assert learnt == sorted({*POSITIVES[:9].tolist(), *used})
    rested = [ids for ids, with_gradient in calls if not with_gradient]
    drawn = sorted(set(loss.outcome.drawn.ids.flatten().tolist()))
    assert rested == ([drawn] if "dns" in name else [])


def test_without_gradient_nothing_is_encoded_with_it():
    model = Stranger()
    encode, calls = counting(model)
    loss = attach("til", USERS, ITEMS, n_items=40, dim=8).eval()
    with torch.no_grad():
        value = loss(model.user(U), encode, U, POSITIVES)
    assert calls and not any(with_gradient for _, with_gradient in calls)
    with torch.inference_mode():
        assert torch.equal(loss(model.user(U), encode, U, POSITIVES), value)
    torch.testing.assert_close(loss(model.user(U), encode, U, POSITIVES), value)


def test_a_function_computes_in_the_precision_of_the_loop():
    model, kinds = Stranger(), []
    net = torch.nn.Linear(8, 8)

    def encode(ids):
        kinds.append(net(model.item(ids)).dtype)
        return net(model.item(ids))

    loss = attach("dns", USERS, ITEMS, n_items=40)
    with torch.autocast("cpu", torch.bfloat16):
        value = loss(model.user(U), encode, U, POSITIVES)
        matrix = attach("dns", USERS, ITEMS, n_items=40)(
            model.user(U), net(model.item.weight), U, POSITIVES
        )
    assert set(kinds) == {torch.bfloat16} and value.dtype == torch.float32
    torch.testing.assert_close(value, matrix, rtol=1e-5, atol=1e-6)


def test_a_batch_without_rows_asks_for_nothing():
    model = Stranger()
    encode, calls = counting(model)
    loss = attach("random", USERS, ITEMS, n_items=40)
    none = torch.zeros(len(U), dtype=torch.bool)
    value = loss(model.user(U), encode, U, POSITIVES, none)
    value.backward()
    assert value == 0 and not calls


def test_what_a_function_returns_is_checked():
    loss, model = attach("random", USERS, ITEMS, n_items=40), Stranger()
    with pytest.raises(ValueError, match=r"a vector of each id, \[\d+, 8\]; got \[\d+, 5\]"):
        loss(model.user(U), lambda ids: torch.zeros(len(ids), 5), U, POSITIVES)
    with pytest.raises(ValueError, match=r"`query` must be \[B, D\].* with items a function"):
        loss(model.user(U)[0], model.item, U, POSITIVES)


def test_a_copy_after_a_step_goes_on_alike():
    loss, model = attach("dns", USERS, ITEMS, n_items=40), Stranger()
    loss(model.user(U), model.item, U, POSITIVES)
    twin = copy.deepcopy(loss)
    one, two = (each(model.user(U), model.item, U, POSITIVES) for each in (loss, twin))
    assert torch.equal(one, two)


TABLE = torch.randn(20, 3, generator=torch.Generator().manual_seed(1))


def stand_ins(table=TABLE):
    items = EncodedItems.of(lambda ids: table[ids], 20, table[:1].detach(), "reader")
    return items, EncodedRows.of(items, torch.tensor([4, 2, 4]))


@pytest.mark.parametrize(
    "read",
    [
        lambda items: items.T,
        lambda items: torch.ones(2, 3) @ items.T,
        lambda items: items @ torch.ones(3),
        lambda items: items.sum(),
        lambda items: items[:5],
        lambda items: items[torch.ones(20, dtype=torch.bool)],
        lambda items: items[torch.arange(20)],
        lambda items: F.embedding(torch.arange(20).expand(2, -1), items),
        lambda items: items.detach().square(),
        lambda items: items.numpy(),
        lambda items: list(items),
        lambda items: torch.cat([torch.zeros(1, 3), items]),
    ],
)
def test_no_read_of_the_whole_catalogue_passes(read):
    with pytest.raises(UserError, match="^reader reads the vectors of all items"):
        read(stand_ins()[0])


def test_what_stands_in_describes_itself_and_gives_rows():
    items, rows = stand_ins()
    assert items.shape == (20, 3) and len(items) == 20 and rows.shape == (3, 3)
    ids = torch.tensor([[1, 7], [7, 7]])
    for given in (items[ids], F.embedding(ids, items), items.detach()[ids]):
        assert type(given) is torch.Tensor and torch.equal(given, TABLE[ids])
    for given in (rows * 1, rows.detach(), torch.stack([rows])[0]):
        assert type(given) is torch.Tensor and torch.equal(given, TABLE[[4, 2, 4]])


def test_a_gradient_that_would_be_lost_is_refused():
    """A custom autograd function takes a tensor as it is, and not what stands behind it."""

    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, given):
            return given * 2

        @staticmethod
        def backward(ctx, slopes):
            return slopes * 2

    _, rows = stand_ins(TABLE.clone().requires_grad_())
    doubled = Doubled.apply(rows)
    assert torch.equal(doubled.detach(), 2 * TABLE[[4, 2, 4]])
    with pytest.raises(UserError, match="its gradient would be lost; read them by view.rows"):
        doubled.sum().backward()


def test_an_epoch_is_begun_with_a_function_too():
    model = Stranger()
    for users, dim in ((model.user.weight, 0), (None, 8), (None, 0)):
        loss = attach("slatk(period=2)", USERS, ITEMS, n_items=40, dim=dim)
        for _ in range(2):
            loss.epoch(model.item, users)
            loss(model.user(U), model.item, U, POSITIVES)
        assert loss.epoch_number == 2
    unknown, _ = stand_ins(torch.zeros(20, 0))
    with pytest.raises(UserError, match="before their width is known; add dim=D"):
        unknown[torch.tensor([3])]
