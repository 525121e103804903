"""Mult-VAE: a variational autoencoder of a user's items with a multinomial likelihood.

    z ~ N(mu(x_u), sigma(x_u)^2),   pi = softmax(f(z)),   score(u, i) = f(mu(x_u))_i
    loss_u = - sum_i x_ui log pi_i + beta KL(N(mu, sigma^2) || N(0, 1))

mu and sigma come from x_u / |x_u| after dropout, through one tanh layer; f has one tanh layer too.
beta rises linearly over the first `anneal` epochs. The number of epochs is chosen on train alone:
a share of its pairs is held out, a first network is trained on the rest until their NDCG@100 has
not risen for `patience` epochs, and a second one is trained on all of train for as many epochs as
the first was best after. A user's items are both input and target, as in the paper.

Paper: D. Liang, R. G. Krishnan, M. D. Hoffman, T. Jebara, "Variational autoencoders for
collaborative filtering", WWW 2018, arXiv:1802.05814.
What differs: pairs are held out, not users, since all users are ranked; batches are smaller and
annealing is counted in epochs, as the data are smaller.
Cost per epoch: 6 H a user and item, H the width of the hidden layer; once for each network.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from negbench.data.interactions import Csr
from negbench.evaluation.full_ranking import Scorer, metric_at, row_pairs
from negbench.evaluation.metric_names import Metric
from negbench.ops import rng
from negbench.ops.axes import ItemScores, Rows, Scalar, Vectors
from negbench.parts.holdout_pairs import hold_out
from negbench.plugins.card import Card
from negbench.plugins.config_ranges import check_ranges

CARD = Card(
    title="variational autoencoder with a multinomial likelihood",
    family="reference",
    provides=("fold_in",),
    authors="Dawen Liang, Rahul G. Krishnan, Matthew D. Hoffman and Tony Jebara",
    year=2018,
    venue="WWW",
    link="https://arxiv.org/abs/1802.05814",
    paper="Variational Autoencoders for Collaborative Filtering",
    provenance="specification",
    differs="The number of epochs is chosen on pairs held out of train, then all of train is used.",
    search={"beta": ("log", 0.02, 1.0), "dropout": ("float", 0.2, 0.8)},
)

SELECT = Metric("ndcg", 100)
"""What the number of epochs is chosen by, as in the paper."""


@dataclass(frozen=True)
class Config:
    """Widths, regularisation, and how long it is trained."""

    hidden: int = 600
    """H, width of the hidden layers, from 1 on; 600 in the paper."""
    dim: int = 200
    """Width of z, from 1 on; 200 in the paper."""
    beta: float = 0.2
    """Weight of the divergence after annealing, from 0 on; tuned in the paper, often 0.2."""
    dropout: float = 0.5
    """Share of a user's items that are dropped from the input, 0 to below 1; 0.5 in the paper."""
    anneal: int = 20
    """Epochs over which beta rises, from 0 on."""
    lr: float = 0.001
    """Learning rate of Adam, above 0; 0.001 in the paper."""
    batch_size: int = 100
    """Users of a batch, from 1 on; 500 in the paper."""
    epochs: int = 100
    """Most epochs, from 1 on; 200 in the paper."""
    patience: int = 5
    """Epochs without a rise after which the first network stops, from 1 on."""
    share: float = 0.1
    """Share of the train pairs held out to choose the number of epochs, from 0 to below 1; with 0
    all of train is used for `epochs` epochs."""
    seed: int = 0
    """Seed of weights, batches, dropout and noise, from 0 on."""

    def __post_init__(self) -> None:
        """Check the ranges. Raises ValueError for a setting outside its range."""
        least = {"hidden": 1, "dim": 1, "beta": 0, "anneal": 0, "batch_size": 1}
        least |= {"epochs": 1, "patience": 1, "seed": 0}
        check_ranges(self, at_least=least, above={"lr": 0})
        for name in ("dropout", "share"):
            if not 0 <= (value := getattr(self, name)) < 1:
                raise ValueError(f"`{name}` must be from 0 to below 1; got {value}")


class Network(nn.Module):
    """Encoder and decoder; the input is a list of items, so the first layer is a sum of rows."""

    def __init__(self, config: Config, n_items: int) -> None:
        """Draw the weights: Xavier's normal, biases near 0."""
        super().__init__()
        self.dropout = config.dropout
        self.stream = rng.stream(config.seed, "multivae")
        """Draws weights, dropout and noise."""
        hidden, dim = config.hidden, config.dim
        self.inward, self.inward_bias = self._layer(n_items, hidden)
        self.encoder, self.encoder_bias = self._layer(hidden, 2 * dim)
        self.decoder, self.decoder_bias = self._layer(dim, hidden)
        self.outward, self.outward_bias = self._layer(hidden, n_items)

    def _layer(self, rows: int, columns: int) -> tuple[nn.Parameter, nn.Parameter]:
        spread = (2 / (rows + columns)) ** 0.5
        weight = torch.randn(rows, columns, generator=self.stream) * spread
        return nn.Parameter(weight), nn.Parameter(
            torch.randn(columns, generator=self.stream) * 0.001
        )

    def encode(self, rows: Rows, items: Rows, users: int) -> tuple[Vectors, Vectors]:
        """Mean and log variance of z, [b, D] each, of `users` users.

        Their pairs are `rows` [T], ascending from 0, and `items` [T]; some are dropped in training.
        """
        lengths = torch.bincount(rows, minlength=users)
        weight = (1 / lengths.clamp(min=1).sqrt())[rows]
        if self.training and self.dropout:
            coin = torch.rand(weight.shape, generator=self.stream)
            weight = weight * (coin >= self.dropout) / (1 - self.dropout)
        starts = lengths.cumsum(0) - lengths
        summed = F.embedding_bag(items, self.inward, starts, mode="sum", per_sample_weights=weight)
        hidden = torch.tanh(summed + self.inward_bias)
        mean, log_variance = (hidden @ self.encoder + self.encoder_bias).chunk(2, 1)
        return mean, log_variance

    def decode(self, z: Vectors) -> ItemScores:
        """Logits of all items, [b, I], from z [b, D]."""
        hidden = torch.tanh(z @ self.decoder + self.decoder_bias)
        return torch.addmm(self.outward_bias, hidden, self.outward)

    def loss(self, rows: Rows, items: Rows, users: int, beta: float) -> Scalar:
        """The mean loss of `users` users, whose pairs are `rows` and `items` [T]."""
        mean, log_variance = self.encode(rows, items, users)
        noise = torch.randn(mean.shape, generator=self.stream)
        logits = self.decode(mean + noise * (log_variance / 2).exp())
        fit = (torch.logsumexp(logits, 1)[rows] - logits[rows, items]).sum()
        loss: Scalar = (fit + beta * divergence(mean, log_variance).sum()) / users
        return loss


def divergence(mean: Vectors, log_variance: Vectors) -> Rows:
    """KL(N(mean, exp(log_variance)) || N(0, 1)), [b]."""
    return (mean.square() + log_variance.exp() - log_variance - 1).sum(1) / 2


@dataclass(frozen=True, eq=False)
class MultiVae:
    """A network, and the histories that users are scored by."""

    network: Network
    history: Csr

    @torch.inference_mode()
    def scores(self, users: Rows) -> ItemScores:
        """Logits at the mean of z, [b, I]."""
        of = users.cpu()
        pairs = row_pairs(*_tensors(self.history), of)
        mean, _ = self.network.encode(*pairs, len(of))
        return self.network.decode(mean).to(users.device)

    def fold_in(self, history: Csr) -> "MultiVae":
        """The same network; users are scored by these histories [U, I]."""
        return replace(self, history=history)


def build(config: Config, train: Csr) -> Scorer:
    """Choose the number of epochs on held-out pairs of train, then train on all of it."""
    epochs = config.epochs
    if config.share:
        held_out, rest = hold_out(train, config.share, config.seed)
        if len(held_out):
            epochs = best_epoch(config, rest, held_out)
    model = MultiVae(Network(config, train.n_columns), train)
    for _ in trained(config, model, epochs):
        pass
    return model


def best_epoch(config: Config, train: Csr, held_out: Csr) -> int:
    """The epoch after which the held-out pairs are ranked best."""
    model = MultiVae(Network(config, train.n_columns), train)
    best, at = -1.0, 1
    for epoch in trained(config, model, config.epochs):
        value = metric_at(model, held_out, train, SELECT)
        if value > best:
            best, at = value, epoch
        elif epoch - at >= config.patience:
            break
    return at


def trained(config: Config, model: MultiVae, epochs: int) -> Iterator[int]:
    """Train in place, and yield the number of each epoch, from 1, once it is over."""
    network, history = model.network, model.history
    optimiser = torch.optim.Adam(network.parameters(), lr=config.lr)
    users = torch.from_numpy(history.lengths.copy()).nonzero().squeeze(1)
    pairs = _tensors(history)
    steps = -(-len(users) // config.batch_size)
    for epoch in range(epochs):
        network.train()
        order = users[torch.randperm(len(users), generator=network.stream)]
        for step, batch in enumerate(torch.split(order, config.batch_size) if steps else ()):
            risen = (epoch + step / steps) / config.anneal if config.anneal else 1.0
            optimiser.zero_grad()
            loss = network.loss(
                *row_pairs(*pairs, batch), len(batch), config.beta * min(1.0, risen)
            )
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        network.eval()
        yield epoch + 1


def _tensors(pairs: Csr) -> tuple[Tensor, Tensor]:
    return torch.tensor(pairs.indptr), torch.tensor(pairs.indices)
