import math

import pytest
import torch
from scipy import stats

from negbench.errors import UserError
from negbench.ops import rng
from negbench.parts import BCE, BPR, GBCE, Everything, Hinge, Pool, Softmax, TopM, Uniform, Weigh
from negbench.parts.sampling.shared_pool import own_positives, subsample
from negbench.protocol.interfaces import Method
from negbench.protocol.step import Batch, Negatives, Step
from negbench.testing.toy_data import TrainingHarness, batch_of, toy_context


def step() -> Step:
    return TrainingHarness(Method(Uniform(), BPR())).step()


def ids_of(step: Step, n: int = 6) -> Negatives:
    shape = (len(step.batch), n)
    ids = torch.rand(len(step.batch), step.context.n_items, generator=rng.stream(0, "ids"))
    ids = ids.argsort(1)[:, :n]
    return Negatives(ids, logq=torch.zeros(shape), logw=torch.randn(shape))


def test_top_m_keeps_what_a_sort_keeps() -> None:
    here = step()
    negatives = ids_of(here)
    scores = here.scores_no_grad(negatives)
    order = scores.sort(1, descending=True).indices
    for m in (1, 3, 6, 9):
        kept = TopM(m).apply(here, negatives)
        assert kept.ids is not None and kept.logw is not None and negatives.logw is not None
        assert negatives.ids is not None
        by_id = kept.ids.argsort(1)  # in which order they are kept is nobody's business
        expected = negatives.ids.gather(1, order[:, :m])
        at = expected.argsort(1)
        assert torch.equal(kept.ids.gather(1, by_id), expected.gather(1, at))
        weights = negatives.logw.gather(1, order[:, :m])
        assert torch.equal(kept.logw.gather(1, by_id), weights.gather(1, at))
        assert kept.logq is None


def test_top_m_of_a_shared_pool_is_top_m_of_its_rows() -> None:
    here = step()
    pool = Negatives(torch.tensor([3, 8, 1, 11, 8]), shared=True)
    assert pool.ids is not None
    rows = Negatives(pool.ids.expand(len(here.batch), -1))
    for m in (1, 2, 5):
        a, b = TopM(m).apply(here, pool), TopM(m).apply(here, rows)
        assert a.ids is not None and b.ids is not None
        assert torch.allclose(here.scores_no_grad(a), here.scores_no_grad(b)) and not a.shared


def test_a_masked_candidate_is_kept_only_where_nothing_else_is_left() -> None:
    here = step()
    ids = torch.tensor([[1, 2, 3]]).expand(len(here.batch), -1)
    mask = torch.tensor([False, True, False]).repeat(len(here.batch), 1)
    mask[0] = False
    kept = TopM(1).apply(here, Negatives(ids, mask=mask))
    assert kept.ids is not None and kept.mask is not None
    assert kept.mask.squeeze(1).tolist() == [False] + [True] * (len(here.batch) - 1)
    assert set(kept.ids[1:].squeeze(1).tolist()) == {2}
    for _ in range(5):
        one = TopM(3, "one").apply(here, Negatives(ids, mask=mask))
        assert one.mask is not None and bool(one.mask[1:].all())


def test_one_of_m_is_drawn_evenly() -> None:
    here = step()
    ids = torch.arange(12).expand(len(here.batch), -1)
    order = here.scores_no_grad(Negatives(ids)).sort(1, descending=True).indices
    counts = torch.zeros(3)
    for _ in range(400):
        one = TopM(3, "one").apply(here, Negatives(ids)).ids
        assert one is not None
        place = (order == one).float().argmax(1)
        counts += torch.bincount(place, minlength=3)
    assert stats.chisquare(counts.numpy()).pvalue > 1e-3


def test_unselected_candidates_get_no_gradient() -> None:
    here = step()
    kept = TopM(2).apply(here, ids_of(here))
    here.score(kept).sum().backward()
    assert here.view.leaves is not None
    reached = [(ids, rows.grad) for ids, rows in here.view.leaves.rows]
    reached += [(each.ids, each.slopes.grad) for each in here.view.leaves.products]
    ((ids, gradient),) = reached
    assert ids is kept.ids and gradient is not None and bool(gradient.any())


def test_weigh_scales_the_negative_term_alone() -> None:
    here = step()
    negatives = ids_of(here)
    negatives = Negatives(negatives.ids)
    s_pos, s_neg = here.view.score_pair(here.view.positive), here.score(negatives)
    half = Weigh(0.5).apply(here, negatives)
    rows = BCE().rows
    positive = torch.nn.functional.softplus(-s_pos)
    whole = rows(here, s_pos, s_neg, negatives) - positive
    assert torch.allclose(rows(here, s_pos, s_neg, half) - positive, 0.5 * whole, atol=1e-6)
    again = Weigh(0.5).apply(here, half)
    assert again.logw is not None and torch.allclose(again.logw, torch.tensor(0.25).log())


def test_the_pool_is_the_batch_and_hides_what_a_row_has_met() -> None:
    harness = TrainingHarness(Method(Pool(), Softmax()))
    here = harness.step()
    drawn = harness.method.sampler.sample(here)
    assert drawn.ids is not None and torch.equal(drawn.ids, here.batch.items)
    assert drawn.mask is not None
    for b, user in enumerate(here.batch.users.tolist()):
        met = set(here.context.train.row(user).tolist())
        assert drawn.mask[b].tolist() == [i not in met for i in drawn.ids.tolist()]


def test_without_exclusion_the_pool_hides_the_rows_positive_alone() -> None:
    where = toy_context([[0, 1], [0, 2], [2, 3]], n_items=4)
    free = toy_context([[], [], []], n_items=4).excluded
    where = type(where)(where.train, where.counts, free, exclude="none")
    harness = TrainingHarness(Method(Pool(), Softmax()), where)
    drawn = harness.method.sampler.sample(harness.step())
    items, counts = batch_of(where).items, where.counts
    assert drawn.mask is not None and drawn.logq is not None
    assert torch.equal(drawn.mask, items != items.unsqueeze(1))
    for b, own_item in enumerate(items.tolist()):
        for j, item in enumerate(items.tolist()):
            if item != own_item:
                q = counts[item] / (counts.sum() - counts[own_item])
                assert drawn.logq[b, j].item() == pytest.approx(q.log().item(), abs=1e-5)


@pytest.mark.parametrize("inside,uniform", [(4, 0), (0, 6), (4, 6)])
def test_what_a_row_sees_of_a_pool_follows_its_logq(inside: int, uniform: int) -> None:
    """Frequencies over many steps, for users with different exclusions, against exp(logq)."""
    harness = TrainingHarness(Method(Pool(inside, uniform), Softmax()))
    seen, expected = torch.zeros(7, 12), torch.zeros(7, 12)
    whole = batch_of(harness.context)
    generator = rng.stream(5, "rows")
    for number in range(1000):
        rows = torch.randint(len(whole), (12,), generator=generator)
        here = harness.step(number, Batch(whole.users[rows], whole.items[rows]))
        drawn = harness.method.sampler.sample(here)
        assert drawn.ids is not None and drawn.mask is not None and drawn.logq is not None
        for user in here.batch.users.unique().tolist():
            b = int((here.batch.users == user).nonzero()[0])
            ids = drawn.ids[drawn.mask[b]]
            seen[user] += torch.bincount(ids, minlength=12)
            expected[user, ids] = drawn.logq[b, drawn.mask[b]].exp()
    for user in range(7):
        p = expected[user].double()
        if not inside:
            assert p.sum().item() == pytest.approx(1, abs=1e-5)
        if user == 5 and not uniform:
            assert not seen[user].any()  # all that it may see is cold, and no batch holds it
            continue
        rate = seen[user] / seen[user].sum()
        assert torch.allclose(rate.double(), p, atol=0.025), (user, rate, p)


def test_own_positives_of_the_batch() -> None:
    batch = Batch(torch.tensor([4, 4, 7]), torch.tensor([1, 2, 1]))
    got = own_positives(batch, torch.tensor([1, 2, 3]), 10)
    assert got.tolist() == [[True, True, False]] * 2 + [[True, False, False]]


def test_a_pool_is_drawn_without_replacement_and_bounded() -> None:
    items = torch.arange(50)
    some = subsample(items, 20, rng.stream(0, "pool"))
    assert len(some) == len(set(some.tolist())) == 20
    assert torch.equal(subsample(items, 50, rng.stream(0, "pool")), items)


def test_everything_is_every_item_that_the_row_may_see() -> None:
    harness = TrainingHarness(Method(Everything(10_000), Softmax()))
    outcome = harness.forward()
    users, items = (
        batch_of(harness.context).users.tolist(),
        batch_of(harness.context).items.tolist(),
    )
    scores = harness.tables.users.mean(1) @ harness.tables.items.mean(1).T
    for b, (user, item) in enumerate(zip(users, items, strict=True)):
        met = set(harness.context.train.row(user).tolist()) - {item}
        total = sum(math.exp(scores[user, j]) for j in range(12) if j not in met)
        want = math.log(total) - scores[user, item].item()
        assert outcome.rows[b].item() == pytest.approx(want, abs=1e-5)


def test_everything_refuses_what_no_memory_holds() -> None:
    harness = TrainingHarness(Method(Everything(100), Softmax()))
    with pytest.raises(UserError, match=r"28 rows x 12 items .* lower the batch size"):
        harness.forward()


def test_objectives_refuse_settings_without_a_meaning() -> None:
    with pytest.raises(ValueError, match="`t` must be from 0 to 1; got 1.5"):
        GBCE(1.5)
    with pytest.raises(ValueError, match="`margin` must be above 0; got 0"):
        Hinge(0)
