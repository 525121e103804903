"""negbench.sampler: a method's negatives for a model that is known by its scores alone."""

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

import negbench
from negbench.composition import recipe
from negbench.errors import UserError
from negbench.negative_sampler import _joined
from negbench.parts import BPR, NoNegatives
from negbench.plugins import registry
from negbench.protocol import Method, Negatives

U, N_ITEMS, D = 12, 30, 5
DRAW = np.random.default_rng(3)
USERS, ITEMS = DRAW.integers(0, U, 150), (30 * DRAW.random(150) ** 2).astype(int)
SEEN = {(int(u), int(i)) for u, i in zip(USERS, ITEMS, strict=True)}
P, Q = (torch.from_numpy(DRAW.normal(size=(n, D))).float() for n in (U, N_ITEMS))
BATCH = torch.arange(U).repeat(8)
POSITIVES = torch.as_tensor([next(i for u, i in SEEN if u == int(user)) for user in BATCH])
ALONE = (
    "adaptive adaptive_mixed ahns all_items dns dns_mn in_batch mixed popularity random simans "
    "snis soft_bpr softmax_rho warp popularity+dns in_batch+dns_mn"
).split()


def score(users, ids):
    return (P[users].unsqueeze(1) * Q[ids]).sum(-1)


def make(method, **settings):
    return negbench.sampler(method, USERS, ITEMS, n_users=U, n_items=N_ITEMS, **settings)


@pytest.mark.parametrize("name", ALONE)
def test_what_may_be_used_is_never_a_train_pair(name):
    sampled = make(name)(BATCH, positives=POSITIVES, score=score)
    assert sampled.ids.shape[0] == len(BATCH) and sampled.ids.shape[1] >= 1
    used = torch.ones_like(sampled.ids, dtype=torch.bool) if sampled.mask is None else sampled.mask
    assert used.any()
    pairs = zip(
        BATCH.repeat_interleave(used.sum(1)).tolist(), sampled.ids[used].tolist(), strict=True
    )
    assert not SEEN & set(pairs)


@pytest.mark.parametrize("name", sorted(registry.names("methods")))
def test_every_other_method_is_refused_in_a_sentence(name):
    if name in ALONE:
        return
    with pytest.raises(UserError) as refused:
        make(name)(BATCH, positives=POSITIVES, score=score)
    assert name in str(refused.value) or "width" in str(refused.value)
    assert any(
        word in str(refused.value) for word in ("use ", "take ", "run it", "without any", "dim")
    )


def test_popularity_has_its_law_and_its_log_probability():
    draw = make("popularity(exponent=1,smoothing=0)")
    user = torch.zeros(4000, dtype=torch.int64)
    sampled = draw(user)
    weight = np.bincount([i for _, i in SEEN], minlength=N_ITEMS).astype(float)
    weight[[i for u, i in SEEN if u == 0]] = 0
    law = weight / weight.sum()
    counts = np.bincount(sampled.ids.flatten().numpy(), minlength=N_ITEMS)
    assert counts[law == 0].sum() == 0
    assert chisquare(counts[law > 0], 4000 * law[law > 0]).pvalue > 1e-3
    expected = torch.from_numpy(np.log(law[sampled.ids.numpy()])).float()
    torch.testing.assert_close(sampled.logq, expected, atol=1e-4, rtol=1e-4)


def test_dns_takes_the_highest_of_what_its_sampler_draws():
    candidates = make("random(negatives=16)", seed=5)(BATCH).ids
    hard = make("dns(candidates=16)", seed=5)(BATCH, score=score)
    best = candidates.gather(1, score(BATCH, candidates).argmax(1, keepdim=True))
    assert torch.equal(hard.ids, best)
    assert hard.logq is None, "what a choice left has no known probability"


def test_more_are_drawn_by_asking_again():
    one, three = make("dns"), make("dns")
    rounds = [one(BATCH, score=score).ids for _ in range(3)]
    assert torch.equal(three(BATCH, 3, score=score).ids, torch.cat(rounds, 1))


@pytest.mark.parametrize(
    ("method", "each"), [("random(negatives=4)", 4), ("adaptive_mixed", 5), ("adaptive", 25)]
)
@pytest.mark.parametrize("n", [6, 3, 0, -4])
def test_a_wrong_number_is_refused_as_if_nothing_had_been_drawn(method, each, n):
    given = {"positives": POSITIVES, "score": score}
    draw, twin = make(method), make(method)
    rule = f"`n` must be a multiple of what .* draws a row, {each}" if n > 0 else "at least 1"
    with pytest.raises(UserError, match=rule):
        draw(BATCH, n, **given)
    assert draw.number == 0
    for _ in range(2):
        assert torch.equal(draw(BATCH, **given).ids, twin(BATCH, **given).ids)


def test_a_stage_that_weighs_rows_says_so():
    given = {"positives": POSITIVES, "score": score}
    for name in ("warp(tries=2)", "random+tce(drop=0.5,ramp=0)", "random+rce", "snis(rank=true)"):
        sampled = make(name)(BATCH, **given)
        assert sampled.row_weight is not None and sampled.row_weight.shape == BATCH.shape
    draw = make("warp(tries=2)")
    sampled = draw(BATCH, **given)
    own, drawn = score(BATCH, POSITIVES.unsqueeze(1)), score(BATCH, sampled.ids)
    assert torch.equal(sampled.row_weight > 0, (drawn > own - 1).squeeze(1))
    with pytest.raises(UserError, match="`n` must be what warp.* draws a row, 1, as it weighs"):
        draw(BATCH, 2, **given)
    assert draw.number == 1 and make("dns")(BATCH, score=score).row_weight is None


def test_one_log_probability_for_all_rows_is_given_for_each():
    class Pair:
        def sample(self, step):
            ids = torch.tensor([[1, 2]]).expand(len(step.batch), -1)
            return Negatives(ids, logq=torch.tensor([-1.0, -2.0]))

    drawn = make(Method(Pair(), BPR()))(BATCH, 4)
    assert drawn.logq.tolist() == [[-1.0, -2.0, -1.0, -2.0]] * len(BATCH)


def test_of_a_method_that_draws_nothing_no_number_is_had():
    draw = make(Method(NoNegatives(), BPR()))
    assert draw(BATCH).ids.shape == (len(BATCH), 0)
    with pytest.raises(UserError, match="draws a row, 0; got 2"):
        draw(BATCH, 2)


def test_a_mask_of_one_round_is_not_lost_beside_rounds_without():
    """A forbidden item would else count as usable."""
    ids, mask = torch.tensor([[1, 2]]), torch.tensor([[True, False]])
    joined = _joined([Negatives(ids), Negatives(ids, mask=mask)])
    assert joined.mask.tolist() == [[True, True, True, False]]
    assert joined.ids.tolist() == [[1, 2, 1, 2]] and joined.logq is None
    assert _joined([Negatives(ids), Negatives(ids)]).mask is None


def test_a_state_goes_on_where_it_stood():
    first, second = make("random(negatives=3)"), make("random(negatives=3)", seed=9)
    first(BATCH)
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(BATCH).ids, second(BATCH).ids)


def test_the_weights_of_a_stage_are_kept():
    """softmax_rho draws uniformly and weighs by the scores: without its weights it is random."""
    sampled = make("softmax_rho")(BATCH, positives=POSITIVES, score=score)
    assert sampled.logw is not None
    order = score(BATCH, sampled.ids).argsort(dim=1, stable=True)
    assert sampled.logw.gather(1, order).diff(dim=1).min() >= -1e-6
    assert sampled.logw.std() > 0.1


@pytest.mark.parametrize(
    ("method", "given", "sentence"),
    [
        ("dns", {}, "dns chooses by the model's scores; give score="),
        ("in_batch", {}, "in_batch reads the positives of the batch; give positives="),
        ("ahns", {"score": score}, "ahns compares with the positives; give positives="),
    ],
)
def test_a_missing_argument_is_named(method, given, sentence):
    with pytest.raises(UserError, match=sentence):
        make(method)(BATCH, **given)


@pytest.mark.parametrize("wrong", [-100, -1, U])
def test_ids_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=f"`users` must lie in 0..{U - 1}; got {wrong}"):
        make("random")(torch.tensor([0, wrong]))
    with pytest.raises(ValueError, match="`users` must be integer ids"):
        make("random")(torch.tensor([True, False]))
    with pytest.raises(UserError, match=r"`users` must lie in 0\.\.11"):
        negbench.sampler("random", [0, 20], [0, 1], n_users=U)
    with pytest.raises(UserError, match="`items` must be whole numbers"):
        negbench.sampler("random", [0, 1], ["a", "b"])


def test_scores_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="`score` must return one score an id"):
        make("dns")(BATCH, score=lambda users, ids: score(users, ids)[:, :1])


def test_the_model_is_asked_without_gradient():
    weights = Q.clone().requires_grad_()
    seen = []

    def own(users, ids):
        scores = (P[users].unsqueeze(1) * weights[ids]).sum(-1)
        seen.append(scores.requires_grad)
        return scores

    make("dns")(BATCH, score=own)
    assert seen == [False]


def test_the_suite_draws_the_same_negatives():
    """The sampler in a training of the suite and the one by itself: one law, one stream."""
    from negbench.ops import rng
    from negbench.protocol.step import Batch, Step
    from negbench.protocol.view import View
    from negbench.training.train_pairs import context_of_pairs

    context = context_of_pairs(USERS, ITEMS, U, N_ITEMS, seed=0, device="cpu")
    method = recipe("dns(candidates=8)").build()
    method.sampler.begin(context)
    step = Step(
        Batch(BATCH, POSITIVES),
        View(P[BATCH], Q, Q[POSITIVES]),
        context,
        1,
        1,
        rng.stream(0, "negatives", device=context.device),
    )
    used = method.sampler.sample(step)
    for stage in method.stages:
        used = stage.apply(step, used)
    assert torch.equal(used.ids, make("dns(candidates=8)")(BATCH, score=score).ids)
