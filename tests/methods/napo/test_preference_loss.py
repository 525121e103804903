"""The preference loss: each paper's loss is a setting of it, written here by its own formula."""

import math

import pytest
import torch
import torch.nn.functional as F

from negbench.methods.napo.neighbour_pools import pool_of
from negbench.methods.napo.policy import log_probs
from negbench.methods.napo.preference_loss import Flags, LogProbs, preference

B, K, BETA = 6, 4, 0.7
G = torch.Generator().manual_seed(0)
POS, NEG = torch.randn(B, generator=G), torch.randn(B, K, generator=G)
REF_POS, REF_NEG = torch.randn(B, generator=G), torch.randn(B, K, generator=G)
STATES = torch.randn(B, 3, generator=G)
REFERENCE = LogProbs(REF_POS, REF_NEG)


def log_probs_of(pos=POS, neg=NEG):
    return LogProbs(pos, neg)


def test_one_negative_and_a_reference_is_dpo():
    flags = Flags(reference="sft", beta=BETA)
    loss = preference(flags, log_probs_of(neg=NEG[:, :1]), LogProbs(REF_POS, REF_NEG[:, :1]))
    gain = (POS - REF_POS) - (NEG[:, 0] - REF_NEG[:, 0])
    torch.testing.assert_close(loss, -F.logsigmoid(BETA * gain), atol=1e-6, rtol=1e-6)


def test_many_negatives_and_a_reference_are_s_dpo():
    """By the paper's own form, with explicit exponentials."""
    loss = preference(Flags(reference="sft", beta=BETA), log_probs_of(), REFERENCE)
    gains = [(NEG[:, k] - REF_NEG[:, k]) - (POS - REF_POS) for k in range(K)]
    expected = -F.logsigmoid(-torch.log(sum(torch.exp(BETA * gain) for gain in gains)))
    torch.testing.assert_close(loss, expected, atol=1e-6, rtol=1e-6)


def test_one_negative_a_fixed_margin_and_no_reference_is_simpo():
    loss = preference(Flags(beta=BETA), log_probs_of(neg=NEG[:, :1]), gamma=1.3)
    torch.testing.assert_close(loss, -F.logsigmoid(BETA * (POS - NEG[:, 0]) - 1.3))


def test_no_reference_and_no_margin_are_cross_entropy_over_positive_and_negatives():
    table = torch.randn(B, 50, generator=G)
    positive, negative = (torch.randint(50, (B, n), generator=G) for n in (1, K))
    s_pos, s_neg = table.gather(1, positive)[:, 0], table.gather(1, negative)
    loss = preference(Flags(), log_probs(s_pos, s_neg, table))
    logits = torch.cat([s_pos.unsqueeze(1), s_neg], 1)
    expected = F.cross_entropy(logits, torch.zeros(B, dtype=torch.long), reduction="none")
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize("kind", ["number", "row", "response"])
def test_a_margin_multiplies_the_mass_of_the_negatives(kind):
    shape = {"number": (), "row": (B,), "response": (B, K)}[kind]
    gamma = torch.rand(shape, generator=G) * 2
    loss = preference(Flags(), log_probs_of(), gamma=gamma)
    each = gamma if kind == "response" else gamma.reshape(-1, 1)
    expected = torch.log1p((each.exp() * (NEG - POS.unsqueeze(1)).exp()).sum(1))
    torch.testing.assert_close(loss, expected)


def test_sharing_with_all_takes_every_negative_of_the_batch():
    pool = pool_of(STATES, 1.0, B)
    loss = preference(Flags(rho=1.0), log_probs_of(), pool=pool)
    every = NEG.flatten().expand(B, -1)
    assert pool.take(NEG).shape == (B, B * K)
    torch.testing.assert_close(loss, preference(Flags(), log_probs_of(neg=every)))


def gradients(flags, pool):
    pos, neg = (x.clone().requires_grad_() for x in (POS, NEG))
    preference(flags, log_probs_of(pos, neg), pool=pool).sum().backward()
    return pos.grad, torch.zeros_like(neg) if neg.grad is None else neg.grad


def test_gradients_cancel_between_positive_and_negatives_and_reach_every_shared_one():
    of_pos, of_neg = gradients(Flags(rho=0.7), pool_of(STATES, 0.7, B))
    assert (of_neg > 0).all() and (of_pos < 0).all()
    assert float(of_pos.sum() + of_neg.sum()) == pytest.approx(0, abs=1e-5)


def test_without_gradient_to_negatives_the_positives_keep_theirs():
    pool = pool_of(STATES, 0.7, B)
    of_pos, _ = gradients(Flags(rho=0.7), pool)
    again, of_neg = gradients(Flags(rho=0.7, grad_negatives=False), pool)
    torch.testing.assert_close(again, of_pos)
    assert not of_neg.any()


@pytest.mark.parametrize("low", [-500.0, -5e4])
def test_it_is_finite_at_extreme_log_probabilities(low):
    pos = torch.tensor([low], requires_grad=True)
    loss = preference(Flags(), log_probs_of(pos, torch.tensor([[-1.0, -2.0]])))
    loss.backward()
    expected = -1 - low + math.log1p(math.exp(-1))
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)
    assert float(pos.grad) == pytest.approx(-1, abs=0.01)
    easy = preference(Flags(), log_probs_of(torch.tensor([-1.0]), torch.tensor([[low, low]])))
    assert float(easy) == 0


def test_a_policy_equal_to_its_reference_loses_the_log_of_one_plus_the_pool():
    same = LogProbs(POS, NEG)
    alone = preference(Flags(reference="sft"), log_probs_of(), same)
    torch.testing.assert_close(alone, torch.full((B,), math.log(1 + K)))
    pool = pool_of(STATES, 0.7, B)
    shared = preference(Flags(reference="sft", rho=0.7), log_probs_of(), same, pool)
    torch.testing.assert_close(shared, torch.full((B,), math.log(1 + K * (1 + 3))))


def test_own_negatives_need_no_partition_and_shared_ones_do():
    """log Z of a row cancels between responses to its own prompt, not to a neighbour's."""
    table = torch.randn(B, 50, generator=G) * 2
    ids = torch.randint(50, (B, K), generator=G)
    raw, full = (log_probs(table[:, 0], table.gather(1, ids), t) for t in (None, table))
    torch.testing.assert_close(preference(Flags(), raw), preference(Flags(), full))
    pool = pool_of(STATES, 1.0, B)
    one, other = (preference(Flags(rho=1.0), given, pool=pool) for given in (raw, full))
    assert (one - other).abs().max() > 0.1


def test_exact_sharing_uses_the_row_s_own_prompt():
    table = torch.randn(B, 50, generator=G)
    ids = torch.randint(50, (B, K), generator=G)
    pool = pool_of(STATES, 0.7, B)
    pooled = pool.take(ids)
    given = log_probs(table[:, 0], table.gather(1, ids), table, pooled)
    loss = preference(Flags(rho=0.7, share="exact"), given, pool=pool)
    for row in range(B):
        mass = sum(math.exp(table[row, i] - table[row, 0]) for i in pooled[row].tolist())
        assert float(loss[row]) == pytest.approx(math.log1p(mass), rel=1e-5)


def test_exact_sharing_without_the_pool_s_log_probs_is_refused():
    with pytest.raises(ValueError, match="own prompt"):
        preference(Flags(rho=1.0, share="exact"), log_probs_of(), pool=pool_of(STATES, 1.0, B))


@pytest.mark.parametrize("aggregate", ["lse", "mean"])
def test_masks_and_weights_against_a_loop(aggregate):
    g = torch.Generator().manual_seed(1)
    mask = torch.rand(B, K, generator=g) < 0.6
    mask[0], mask[1], mask[2:, 0] = False, True, True
    logw = torch.randn(B, K, generator=g)
    loss = preference(
        Flags(beta=BETA, aggregate=aggregate), log_probs_of(), gamma=0.4, mask=mask, logw=logw
    )
    assert float(loss[0]) == 0
    for row in range(1, B):
        mine = [k for k in range(K) if mask[row, k]]
        gap = [BETA * float(NEG[row, k] - POS[row]) + 0.4 for k in mine]
        weight = [math.exp(logw[row, k]) for k in mine]
        each = [math.exp(g) if aggregate == "lse" else g for g in gap]
        total = sum(w * g for w, g in zip(weight, each, strict=True))
        inside = total if aggregate == "lse" else math.exp(total / sum(weight))
        assert float(loss[row]) == pytest.approx(math.log1p(inside), rel=1e-4)


def test_the_mean_is_dmpo():
    flags = Flags(reference="sft", aggregate="mean", beta=BETA)
    gain = (POS - REF_POS) - (NEG - REF_NEG).mean(1)
    loss = preference(flags, log_probs_of(), REFERENCE)
    torch.testing.assert_close(loss, -F.logsigmoid(BETA * gain))


@pytest.mark.parametrize("wrong", [{"beta": 0}, {"rho": 1.2}, {"alpha": -1}, {"gamma": -1}])
def test_what_is_no_loss_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Flags(**wrong)
