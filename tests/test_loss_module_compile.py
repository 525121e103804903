"""`negbench.attach` within a train step that `torch.compile` compiles."""

import pytest
import torch
from helpers.own_loop import ITEMS, USERS, Stranger

from negbench.loss_module import attach

U, POSITIVES = torch.from_numpy(USERS), torch.from_numpy(ITEMS)
NAMES = ["random", "popularity", "dns", "mixed", "in_batch", "info_nce", "bsl", "psl"]


def train_step(name):
    """A step of a model with a layer, which returns its loss, and the gradients that it leaves."""
    model, loss = Stranger(), attach(name, USERS, ITEMS, n_items=40, dim=8)
    torch.manual_seed(1)
    layer = torch.nn.Linear(8, 8)
    parameters = [*model.parameters(), *layer.parameters(), *loss.parameters()]

    def step(users, items):
        query = layer(model.user(users)).tanh()
        return loss(query, model.item.weight, users, items) * 2

    return step, parameters


def values(step, parameters):
    """Of three steps: losses and gradients."""
    out = []
    for _ in range(3):
        value = step(U, POSITIVES)
        out += [value.detach(), *torch.autograd.grad(value, parameters, allow_unused=True)]
    return out


@pytest.mark.parametrize("name", NAMES)
def test_a_compiled_step_gives_the_same_numbers_by_two_graphs(name):
    torch._dynamo.reset()
    graphs = []

    def backend(graph, example_inputs):
        graphs.append(graph)
        return graph.forward

    step, parameters = train_step(name)
    compiled = values(torch.compile(step, backend=backend), parameters)
    plain = values(*train_step(name))
    assert len(graphs) == 2, "the model before the loss, and what is done with its value"
    for actual, expected in zip(compiled, plain, strict=True):
        assert (actual is None) == (expected is None)
        if actual is not None:
            torch.testing.assert_close(actual, expected, rtol=1e-6, atol=1e-7)


def test_a_compiled_loss_is_the_loss():
    torch._dynamo.reset()
    model, users = Stranger(), U[:30]
    given = model.user(users), model.item, users, POSITIVES[:30]
    loss = attach("dns", USERS, ITEMS, n_items=40)
    expected = [loss(*given).item() for _ in range(2)]
    again = torch.compile(attach("dns", USERS, ITEMS, n_items=40), backend="eager")
    assert [again(*given).item() for _ in range(2)] == expected


def test_one_graph_alone_is_refused_in_the_compilers_words():
    torch._dynamo.reset()
    step, _ = train_step("random")
    with pytest.raises(torch._dynamo.exc.Unsupported, match="disable"):
        torch.compile(step, backend="eager", fullgraph=True)(U, POSITIVES)
