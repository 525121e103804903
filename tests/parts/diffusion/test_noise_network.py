"""The noise network: its walk against an ideal predictor, and what it learns of users."""

import torch
from helpers.toy_data import small_context

from negbench.ops import rng
from negbench.parts.diffusion import process
from negbench.parts.diffusion.noise_network import NoiseNetwork, clip_rms
from negbench.parts.diffusion.process import Catalogue


def test_the_walk_with_an_ideal_network_ends_on_the_users_own_noised_law():
    """Rows stop at their own places, each with the mean and variance of its forward marginal."""
    n, v0 = 60_000, 0.09
    catalogue = Catalogue(torch.full((2,), 0.5), torch.eye(2))
    schedule = process.snr_matched(200, 0.002)
    network = NoiseNetwork(schedule, 1, 4)
    m0 = torch.tensor([1.5, -0.5])

    def ideal(y, t, query):
        abar = schedule.abar[t].unsqueeze(1).float()
        centred = y - abar.sqrt() * (m0 - catalogue.mean)
        return (1 - abar).sqrt() * centred / (abar * v0 + 1 - abar)

    network.net = ideal
    stop = torch.tensor([60, 140]).repeat(n // 2)
    start = torch.full_like(stop, 200)
    g = rng.stream(3, "walk")
    x = catalogue.mean + catalogue.noise(n, g)
    x = network.reverse_chain(x, start, stop, torch.zeros(n, 2), catalogue, g)
    for place in (60, 140):
        abar, rows = float(schedule.abar[place]), x[stop == place]
        want = catalogue.mean + abar**0.5 * (m0 - catalogue.mean)
        assert torch.allclose(rows.mean(0), want, atol=0.03)
        assert torch.allclose(rows.var(0), torch.tensor(abar * v0 + 1 - abar), rtol=0.04)
    held = network.reverse_chain(x, stop, stop, torch.zeros(n, 2), catalogue, g)
    assert torch.allclose(held, x, atol=1e-6)  # nothing to walk


def test_a_trained_network_tells_users_apart():
    """Two users of opposite taste: only a trained chain ends near what each likes."""
    taste = torch.tensor([[2.0, 0.0, 0.0], [-2.0, 0.0, 0.0]])
    g = rng.stream(4, "tastes")
    who = torch.arange(2).repeat(256)
    catalogue = Catalogue(torch.zeros(3), torch.diag(torch.tensor([2.0, 0.3, 0.3])))
    context = small_context()
    network = NoiseNetwork(process.snr_matched(50, 0.01), 5, 32)
    network.begin(type(context)(context.train, context.counts, context.excluded, width=3))
    optimiser = torch.optim.Adam(network.minimised(), lr=0.01)
    for _ in range(400):
        x0 = taste[who] + 0.3 * torch.randn(512, 3, generator=g)
        optimiser.zero_grad()
        network.loss(x0, taste[who], catalogue, g).backward()
        optimiser.step()
    start, stop = torch.full((512,), 10), torch.full((512,), 1)
    x = network.reverse_chain(catalogue.noise(512, g), start, stop, taste[who], catalogue, g)
    assert float(x[who == 0, 0].mean()) > 1.2 and float(x[who == 1, 0].mean()) < -1.2


def test_a_guess_is_held_within_reach():
    x = torch.tensor([[3.0, 4.0], [0.0, 0.1], [0.0, 0.0]])
    near = clip_rms(x, torch.tensor(1.0))
    assert torch.allclose(near[0], x[0] / 12.5**0.5) and torch.equal(near[1:], x[1:])
