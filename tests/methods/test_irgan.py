"""IRGAN: its law, its gradient against enumeration, and a state that survives a kill."""

import pytest
import torch
from scipy import stats

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.methods import irgan
from negbench.methods.irgan import catalogue_softmax
from negbench.methods.irgan.catalogue_softmax import CHUNK, CatalogueSoftmax
from negbench.methods.irgan.method import Generator, RankByGenerator, surrogate
from negbench.methods.irgan.user_groups import groups_of
from negbench.plugins.term_syntax import config_of
from negbench.protocol import Batch, Feedback, Phase
from negbench.protocol.step import Negatives
from negbench.testing.toy_data import TrainingHarness, toy_context

SIX = toy_context([[0, 1], [2], [0, 3, 4]], 6)


def harness_of(method: str, six: bool = True) -> TrainingHarness:
    build = recipe(method).build()
    return TrainingHarness(build, SIX) if six else TrainingHarness(build)


def generator_of(harness: TrainingHarness) -> Generator:
    assert isinstance(harness.method.sampler, Generator)
    return harness.method.sampler


def spread_out(harness: TrainingHarness) -> Generator:
    """The generator with a law far from even."""
    generator = generator_of(harness)
    with torch.no_grad():
        for table in generator.tables.values():
            table.mul_(5)
        generator.bias += torch.linspace(-1, 1, len(generator.bias))
    return generator


def law(generator: Generator, user: int, temperature: float) -> torch.Tensor:
    return (generator.logits(torch.tensor([user]))[0].detach() / temperature).softmax(0)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1e9])
def test_frequencies_are_the_declared_ones(temperature: float) -> None:
    """Outside the user's items; T to infinity is even."""
    harness = harness_of(f"irgan(negatives=4000,temperature={temperature})")
    generator = spread_out(harness)
    drawn = harness.method.sampler.sample(harness.step())
    assert drawn.ids is not None and drawn.logq is not None
    for row, user in enumerate(harness.step().batch.users.tolist()):
        p = law(generator, user, temperature).double()
        p[SIX.train.row(user).tolist()] = 0
        p /= p.sum()
        seen = torch.bincount(drawn.ids[row], minlength=6)
        assert seen[p == 0].sum() == 0
        want = p[p > 0] * 4000
        assert stats.chisquare(seen[p > 0].numpy(), want.numpy()).pvalue > 1e-4
        assert torch.allclose(drawn.logq[row].exp().double(), p[drawn.ids[row]], atol=1e-5)
        if temperature > 1e6:
            assert torch.allclose(p[p > 0], 1 / (p > 0).sum().double(), atol=1e-6)


def test_a_user_of_whom_all_items_are_hidden_has_the_uniform_distribution() -> None:
    """Its draws are masked, and must be items all the same."""
    users, items, bias = torch.ones(2, 3), torch.ones(5, 3), torch.arange(5.0)
    hidden = torch.tensor([0, 1, 1, 1, 1, 1]), torch.tensor([4, 0, 1, 2, 3, 4], dtype=torch.int32)
    softmax = CatalogueSoftmax.of(users, items, bias, hidden=hidden)
    assert torch.allclose(softmax.weights[1], torch.ones(5)) and softmax.weights[0, 4] == 0
    drawn = softmax.sample(200, torch.Generator().manual_seed(0))
    assert set(drawn[1].tolist()) == set(range(5)) and drawn[0].max() == 3


@pytest.mark.parametrize("n_items", [1, CHUNK, 2 * CHUNK + 5])
def test_the_softmax_over_all_items_is_the_one_written_out(
    n_items: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Log probabilities, their gradients, and draws by the same coins as `torch.multinomial`."""
    monkeypatch.setattr(catalogue_softmax, "CELLS", 2 * n_items)  # two users at a time
    g = torch.Generator().manual_seed(n_items)
    shapes = (5, 3), (n_items, 3), (n_items,)
    tables = [torch.randn(shape, generator=g, dtype=torch.float64) for shape in shapes]
    for table in tables:
        table.requires_grad_()
    taken = torch.rand(5, n_items, generator=g) < 0.3
    taken[:, -1] = False
    owner, ids = torch.tensor([0, 3, 3, 4]), torch.randint(n_items, (4, 2), generator=g)
    for hidden in (torch.zeros_like(taken), taken):
        rows, items = hidden.nonzero(as_tuple=True)
        softmax = CatalogueSoftmax.of(*tables, hidden=(rows, items.to(torch.int32)))
        users, vectors, bias = tables
        logits = torch.addmm(bias, users, vectors.T)
        log_z = logits.masked_fill(hidden, -torch.inf).logsumexp(1, keepdim=True)
        got = softmax.log_p(users, vectors, bias, owner, ids)
        want = (logits - log_z)[owner.unsqueeze(1), ids]
        assert torch.allclose(got, want)
        weights = torch.randn(got.shape, generator=g, dtype=torch.float64)
        for one, other in zip(
            torch.autograd.grad((weights * got).sum(), tables),
            torch.autograd.grad((weights * want).sum(), tables),
            strict=True,
        ):
            assert torch.allclose(one, other, atol=1e-12)
        coins = [torch.Generator().manual_seed(7) for _ in range(2)]
        p = (logits - log_z).exp().masked_fill(hidden, 0.0).detach()
        drawn = softmax.sample(300, coins[0])
        assert torch.equal(drawn, torch.multinomial(p, 300, True, generator=coins[1]))


def test_reinforce_has_the_enumerated_gradient() -> None:
    """sum_j p_n(j) grad = -grad sum_j p_j r_j, whatever p_n."""
    g = torch.Generator().manual_seed(0)
    logits = torch.randn(6, generator=g, dtype=torch.float64).requires_grad_()
    reward = torch.rand(6, generator=g, dtype=torch.float64) * 2 - 1
    p_n = torch.rand(6, generator=g, dtype=torch.float64).softmax(0)
    expected = (p_n * surrogate(logits.log_softmax(0), p_n.log(), reward)).sum()
    (got,) = torch.autograd.grad(expected, logits)
    (want,) = torch.autograd.grad(-(logits.softmax(0) * reward).sum(), logits)
    assert torch.allclose(got, want, atol=1e-15)
    constant = (p_n * surrogate(logits.log_softmax(0), p_n.log(), torch.ones(6))).sum()
    (still,) = torch.autograd.grad(constant, logits)
    assert torch.allclose(still, torch.zeros(6).double(), atol=1e-15)


def test_a_step_follows_the_gradient_of_the_expected_reward() -> None:
    """Many draws: the step is that of the enumerated objective, each user weighing as one."""
    harness = harness_of("irgan(draws=20000,generator_lr=1.0)")
    generator = spread_out(harness)
    before = {name: table.detach().clone() for name, table in generator.tables.items()}
    step = harness.step()
    total = torch.zeros(())
    for b, user in enumerate(step.batch.users.tolist()):
        scores = step.view.items @ step.view.query[b].detach()
        p = generator.logits(torch.tensor([user]))[0].softmax(0)
        total = total + (p * (2 * scores.sigmoid() - 1)).sum() / len(SIX.train.row(user))
    wants = torch.autograd.grad(total, list(generator.tables.values()))
    nothing = torch.zeros(len(step.batch))
    generator.observe(Feedback(step, Negatives(), nothing, nothing[:, None], nothing))
    for want, (name, table) in zip(wants, generator.tables.items(), strict=True):
        assert torch.allclose(table.detach() - before[name], want, atol=0.05)
        assert want.abs().max() > 0.1


def test_the_generator_learns_what_the_backbone_likes() -> None:
    harness = harness_of("irgan(generator_lr=0.5)", six=False)
    generator = generator_of(harness)
    step = harness.step()
    likes = 2 * (step.view.query.detach() @ step.view.items.T).sigmoid() - 1

    def expected() -> float:
        p = generator.logits(step.batch.users).detach().softmax(1)
        return float((p * likes).sum(1).mean())

    first = expected()
    for number in range(1, 60):
        harness.train(number)
    assert expected() > first + 0.2
    metrics = generator.epoch_metrics()
    assert 0 < metrics["generator_p"] < 1 and generator.epoch_metrics() == {}


def test_with_lr_0_it_never_learns() -> None:
    harness = harness_of("irgan(generator_lr=0)")
    before = generator_of(harness).items.detach().clone()
    harness.train()
    assert torch.equal(generator_of(harness).items, before)


def test_draws_hold_positives_in_their_share_and_p_n_says_so() -> None:
    harness = harness_of("irgan(draws=20000,share=0.25)")
    generator = spread_out(harness)
    step = harness.step()
    ((group, most),) = groups_of(step.batch.users, 100)
    log_p = generator.logits(group.users).detach().log_softmax(1)
    tables = generator.users[group.users], generator.items, generator.bias
    ids = generator.draws(step, group, CatalogueSoftmax.of(*tables), most)
    log_p_n = generator.log_p_n(group, ids, log_p[group.owner.unsqueeze(1), ids])
    for at, user in enumerate(group.users[group.owner].tolist()):
        own = SIX.train.row(user).tolist()
        p_n = 0.75 * law(generator, user, 1.0).double()
        p_n[own] += 0.25 / len(own)
        seen = torch.bincount(ids[at], minlength=6)
        assert stats.chisquare(seen.numpy(), (p_n / p_n.sum() * 20000).numpy()).pvalue > 1e-4
        assert torch.allclose(log_p_n[at].exp().double(), p_n[ids[at]], atol=1e-5)


@pytest.mark.parametrize("size", [1, 2, 100])
def test_the_rows_of_a_batch_by_user(size: int) -> None:
    users = torch.tensor([4, 1, 4, 9, 1, 4])
    seen = []
    for group, most in groups_of(users, size):
        assert torch.equal(group.users[group.owner], users[group.rows])
        pairs = list(zip(group.owner.tolist(), group.slot.tolist(), strict=True))
        assert len(set(pairs)) == len(pairs) and most == max(s for _, s in pairs) + 1
        drawn = torch.arange(len(group.users) * most * 2).view(len(group.users), -1)
        assert len(group.spread(drawn, 2).unique()) == 2 * len(group.rows)
        seen += group.rows.tolist()
    assert sorted(seen) == list(range(6))


def test_users_are_looked_at_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The expected step does not depend on the blocks; here without chance: p_n is one item."""
    monkeypatch.setattr(irgan.method, "BLOCK", 1)
    harness = harness_of("irgan(negatives=300)")
    assert generator_of(harness).size == 1
    drawn = harness.train().drawn
    assert drawn.ids is not None
    users = harness.step().batch.users
    assert not SIX.excluded.contains(users, drawn.ids).any()


def test_the_state_survives_a_kill() -> None:
    first, second = (harness_of("irgan(warm_up=1,generator_lr=0.5)", six=False) for _ in range(2))
    for number in (1, 2, 3):
        first.train(number)
    second.load_state_dict(first.state_dict())
    for number in (4, 5):
        assert torch.equal(first.train(number).rows, second.train(number).rows)
    for one, other in zip(
        generator_of(first).tables.values(), generator_of(second).tables.values(), strict=True
    ):
        assert torch.equal(one, other)


def test_a_warm_up_trains_the_generator_while_the_backbone_sees_uniform_items() -> None:
    harness = harness_of("irgan(warm_up=3)", six=False)
    plain = TrainingHarness(recipe("random", "bce").build())
    a, b = harness.train(), plain.train()
    assert torch.equal(a.rows, b.rows)
    generator = generator_of(harness)
    for number in range(2, 150):
        harness.train(number)
    logits = generator.logits(torch.arange(7)).detach()
    own = torch.zeros(7, 12, dtype=torch.bool)
    for user in range(7):
        own[user, harness.context.train.row(user).tolist()] = True
    assert logits[own].mean() > logits[~own].mean() + 1
    assert harness.method.own_phase == Phase("generator", 4)
    assert harness_of("irgan").method.own_phase is None


def test_the_generator_can_be_ranked() -> None:
    harness = harness_of("irgan(rank=generator)")
    generator, transform = spread_out(harness), harness.method.transform
    assert isinstance(transform, RankByGenerator)
    step = harness.step()
    assert transform.view(step) is step.view
    view = transform.view(type(step)(**{**vars(step), "training": False}))
    scores = view.query @ view.items.T
    assert torch.allclose(scores, generator.logits(step.batch.users).detach(), atol=1e-5)
    assert harness_of("irgan").method.transform is None


def test_the_released_preset() -> None:
    config = config_of(irgan, {"preset": "released"}, "irgan")
    assert config == irgan.Config(
        factors=5,
        negatives=1,
        temperature=0.2,
        draws=2,
        share=0.2,
        generator_lr=0.001,
        warm_up=20,
        rank="generator",
    )


@pytest.mark.parametrize("bad", ["share=1", "temperature=0", "generator_lr=-1"])
def test_settings_out_of_range_are_refused(bad: str) -> None:
    with pytest.raises(UserError, match=bad.split("=")[0]):
        recipe(f"irgan({bad})")


def test_a_user_without_train_items_leaves_the_generator_finite() -> None:
    """As in a loop of the user's own, whose pairs need not be train pairs."""
    context = toy_context([[0, 1], [], [2]], 6)
    harness = TrainingHarness(recipe("irgan(draws=50)").build(), context)
    harness.train(batch=Batch(torch.tensor([1, 0, 1]), torch.tensor([5, 0, 4])))
    tables = generator_of(harness).tables.values()
    assert all(bool(table.detach().isfinite().all()) for table in tables)


def test_a_repeated_pair_is_one_positive_and_an_epochs_draws_weigh_as_one() -> None:
    context = toy_context([[0, 1, 1, 1, 1], [2], [3]], 6)
    harness = TrainingHarness(recipe("irgan(draws=20000,share=0.5)").build(), context)
    generator = generator_of(harness)
    ((group, most),) = groups_of(torch.tensor([0]), 100)
    log_p = generator.logits(group.users).detach().log_softmax(1)
    tables = generator.users[group.users], generator.items, generator.bias
    ids = generator.draws(harness.step(), group, CatalogueSoftmax.of(*tables), most)
    p_n = 0.5 * log_p[0].exp().double()
    p_n[:2] += 0.25
    seen = torch.bincount(ids[0], minlength=6)
    assert stats.chisquare(seen.numpy(), (p_n / p_n.sum() * 20000).numpy()).pvalue > 1e-4
    log_p_n = generator.log_p_n(group, torch.arange(6).unsqueeze(0), log_p)
    assert torch.allclose(log_p_n[0].exp().double(), p_n, atol=1e-5)
    assert generator.rows_of.tolist() == [5, 1, 1]
