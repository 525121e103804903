"""Forward pass and loss against dense formulas, epochs chosen on train alone, and seeds."""

import numpy as np
import pytest
import torch

from negbench.data.interactions import Csr
from negbench.evaluation.full_ranking import metric_at, row_pairs
from negbench.references import multivae
from negbench.references.multivae import (
    SELECT,
    Config,
    MultiVae,
    Network,
    best_epoch,
    build,
    divergence,
    trained,
)

SMALL = {"hidden": 16, "dim": 4, "batch_size": 8, "epochs": 6}


def random_train() -> tuple[Csr, torch.Tensor]:
    cells = np.random.default_rng(0).random((30, 20)) < 0.3
    cells[7] = False  # a user without pairs
    train = Csr.of(*np.nonzero(cells), n_rows=30, n_columns=20)
    return train, torch.from_numpy(cells).float()


def blocks() -> tuple[Csr, Csr]:
    """Two groups of users with items of their own, and what is held out of them."""
    rng = np.random.default_rng(1)
    cells = np.add.outer(np.arange(40) % 2, np.arange(24) % 2) % 2 == 0
    held = cells & (rng.random(cells.shape) < 0.25)
    return tuple(
        Csr.of(*np.nonzero(part), n_rows=40, n_columns=24) for part in (cells & ~held, held)
    )


def pairs_of(train: Csr, users: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return row_pairs(torch.tensor(train.indptr), torch.tensor(train.indices), users)


def dense_encoding(network: Network, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    normed = torch.nn.functional.normalize(x, dim=1)
    hidden = torch.tanh(normed @ network.inward + network.inward_bias)
    both = hidden @ network.encoder + network.encoder_bias
    return both[:, :4], both[:, 4:]


def test_scores_are_those_of_the_dense_network():
    train, x = random_train()
    network = Network(Config(**SMALL), 20).eval()
    users = torch.tensor([3, 7, 0, 29])
    mean, _ = dense_encoding(network, x[users])
    want = torch.tanh(mean @ network.decoder + network.decoder_bias) @ network.outward
    scores = MultiVae(network, train).scores(users)
    torch.testing.assert_close(scores, (want + network.outward_bias).detach())
    assert scores.dtype == torch.float32


def test_the_loss_is_the_multinomial_likelihood_and_the_divergence():
    train, x = random_train()
    network = Network(Config(**SMALL, dropout=0.0), 20)
    users = torch.arange(30)
    state = network.stream.get_state()
    loss = network.loss(*pairs_of(train, users), 30, 0.3)
    network.stream.set_state(state)
    mean, log_variance = dense_encoding(network, x)
    noise = torch.randn(mean.shape, generator=network.stream)
    z = mean + noise * torch.exp(log_variance) ** 0.5
    likely = torch.log_softmax(network.decode(z), 1)
    normal = torch.distributions.Normal
    kl = torch.distributions.kl_divergence(
        normal(mean, torch.exp(log_variance) ** 0.5), normal(0.0, 1.0)
    ).sum(1)
    torch.testing.assert_close(divergence(mean, log_variance), kl)
    torch.testing.assert_close(loss, (-(x * likely).sum(1) + 0.3 * kl).mean())


def test_dropout_keeps_the_mean_of_the_input_and_drops_whole_items():
    network = Network(Config(**SMALL, dropout=0.4), 20)
    with torch.no_grad():
        network.inward.copy_(torch.eye(20, 16))
        network.inward_bias.zero_()
        network.encoder.copy_(torch.eye(16, 8))
        network.encoder_bias.zero_()
    rows, items = torch.arange(4000).repeat_interleave(4), torch.tensor([0, 1, 2, 9]).repeat(4000)
    inputs = torch.atanh(network.encode(rows, items, 4000)[0][:, :3])  # each 1 / sqrt(4) or 0
    kept = inputs > 0
    assert float(kept.double().mean()) == pytest.approx(0.6, abs=0.02)
    torch.testing.assert_close(inputs[kept], torch.full_like(inputs[kept], 0.5 / 0.6))
    network.eval()
    torch.testing.assert_close(torch.atanh(network.encode(rows, items, 4000)[0][0, 0]).item(), 0.5)


def test_beta_rises_over_the_annealing(monkeypatch):
    train, _ = random_train()
    seen = []
    loss = Network.loss
    monkeypatch.setattr(
        Network, "loss", lambda self, *args: seen.append(args[3]) or loss(self, *args)
    )
    config = Config(**{**SMALL, "batch_size": 15, "epochs": 3}, beta=0.4, anneal=2)
    list(trained(config, MultiVae(Network(config, 20), train), 3))
    assert seen == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.4])  # 29 users, two batches an epoch


def test_it_learns_groups_of_users():
    train, test = blocks()
    config = Config(**{**SMALL, "epochs": 40}, share=0.0, lr=0.01)
    learnt = metric_at(build(config, train), test, train)
    first = metric_at(MultiVae(Network(config, 24).eval(), train), test, train)
    assert learnt > 0.95 > first + 0.2


def test_the_number_of_epochs_is_chosen_on_pairs_of_train(monkeypatch):
    train, held = blocks()
    values = iter([0.1, 0.3, 0.2, 0.3, 0.25, 0.9])
    asked = []
    monkeypatch.setattr(multivae, "metric_at", lambda *args: asked.append(args[1:]) or next(values))
    assert best_epoch(Config(**SMALL, patience=3), train, held) == 2
    assert len(asked) == 5 and asked[0] == (held, train, SELECT)
    counted = []
    whole = multivae.trained
    monkeypatch.setattr(multivae, "metric_at", lambda model, held, rest, _: -float(len(counted)))
    monkeypatch.setattr(
        multivae,
        "trained",
        lambda config, model, epochs: (
            counted.append((len(model.history), epochs)) or whole(config, model, epochs)
        ),
    )
    build(Config(**SMALL, patience=2), train)
    assert [n for n, _ in counted] == [len(train) - round(0.1 * len(train)), len(train)]
    assert counted[1][1] == 1  # the first epoch was best: all of train for one epoch


def test_the_seed_decides_everything_and_histories_can_be_folded_in():
    train, _ = random_train()
    one, again, other = (
        build(Config(**SMALL, share=0.0, seed=seed), train).scores(torch.arange(30))
        for seed in (0, 0, 1)
    )
    assert torch.equal(one, again) and not torch.allclose(one, other, atol=1e-3)
    model = build(Config(**SMALL, share=0.0), train)
    history = Csr.of([0, 0], train.row(3)[:2], n_rows=1, n_columns=20)
    folded = model.fold_in(history).scores(torch.tensor([0]))
    assert torch.isfinite(folded).all() and not torch.equal(folded[0], one[0])
    torch.testing.assert_close(model.fold_in(train).scores(torch.arange(30)), one)


@pytest.mark.parametrize("wrong", [{"dropout": 1.0}, {"share": -0.1}, {"lr": 0.0}, {"hidden": 0}])
def test_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Config(**wrong)
