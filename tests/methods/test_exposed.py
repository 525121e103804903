from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from negbench.composition import recipe
from negbench.data.interactions import Csr
from negbench.data.membership import Membership
from negbench.errors import UserError
from negbench.methods import exposed
from negbench.methods.exposed import Config
from negbench.testing.toy_data import TrainingHarness, default_context, saturated_context


def known_of(context, user: int) -> set[int]:
    return set(context.known_negatives().row(user).tolist())


def drawn_by(text: str, context=None, number: int = 1):
    harness = TrainingHarness(recipe(text).build(), context or default_context())
    here = harness.step(number)
    return harness.context, here, harness.method.sampler.sample(here)


@pytest.mark.parametrize("mix", [0.0, 0.3, 1.0])
def test_frequencies_are_those_of_the_mixture(mix: float) -> None:
    context, here, drawn = drawn_by(f"exposed(mix={mix},negatives=6000)")
    for user in range(7):
        rows = (here.batch.users == user).nonzero().squeeze(1)
        seen = torch.bincount(drawn.ids[rows].flatten(), minlength=12).double()
        own, known = set(context.train.row(user).tolist()), known_of(context, user)
        share = mix if known else 1.0
        even = [0.0 if i in own else 1 / (12 - len(own)) for i in range(12)]
        law = [share * even[i] + (1 - share) * (i in known) / max(len(known), 1) for i in range(12)]
        p = torch.tensor(law, dtype=torch.float64)
        assert not seen[p == 0].any()
        if (p > 0).sum() > 1:
            expected = p[p > 0] * seen.sum()
            assert stats.chisquare(seen[p > 0].numpy(), expected.numpy()).pvalue > 1e-4
        declared = drawn.logq[rows].exp().double().flatten()
        assert torch.allclose(declared, p[drawn.ids[rows].flatten()], rtol=1e-4)


def test_without_a_mix_every_draw_is_a_known_negative_where_there_is_one() -> None:
    context, here, drawn = drawn_by("exposed(mix=0,negatives=50)")
    some = [bool(known_of(context, user)) for user in range(7)]
    assert any(some) and not all(some)
    for row, user in enumerate(here.batch.users.tolist()):
        ids = set(drawn.ids[row].tolist())
        if some[user]:
            assert ids <= known_of(context, user)
        else:  # as in random: all that is allowed comes up
            assert ids == set(range(12)) - set(context.train.row(user).tolist())


def test_a_mix_of_1_is_random_with_the_same_draws() -> None:
    _, _, even = drawn_by("random(negatives=4)")
    _, _, drawn = drawn_by("exposed(mix=1,negatives=4)")
    assert torch.equal(even.ids, drawn.ids) and torch.allclose(even.logq, drawn.logq)


def test_an_excluded_pair_is_never_drawn_and_is_no_known_negative() -> None:
    context = default_context()
    known = context.known_negatives()
    first = [int(known.row(user)[0]) for user in range(7) if len(known.row(user))]
    users = [user for user in range(7) if len(known.row(user))]
    hidden = context.train.join(Csr.of(users, first, n_rows=7, n_columns=12))
    _, here, drawn = drawn_by(
        "exposed(mix=0,negatives=40)", replace(context, excluded=Membership.of(hidden))
    )
    for row, user in enumerate(here.batch.users.tolist()):
        assert not set(drawn.ids[row].tolist()) & set(hidden.row(user).tolist()) or user == 5


def test_a_user_with_no_item_left_is_masked_and_the_loss_is_finite() -> None:
    harness = TrainingHarness(recipe("exposed(negatives=3)").build(), saturated_context())
    outcome = harness.forward()
    full = outcome.step.batch.users == 3
    assert torch.equal(outcome.used.mask, (~full).unsqueeze(1).expand(-1, 3))
    assert not outcome.rows[full].any() and bool(torch.isfinite(outcome.rows).all())


def test_the_same_step_gives_the_same_draws_and_another_gives_others() -> None:
    batches = [drawn_by("exposed(negatives=8)", number=n)[2].ids for n in (1, 1, 2)]
    assert torch.equal(batches[0], batches[1]) and not torch.equal(batches[0], batches[2])


def test_data_without_known_negatives_are_refused() -> None:
    none = Csr.of([], [], n_rows=7, n_columns=12)
    for known in (None, lambda: none):
        context = replace(default_context(), known_negatives=known)
        with pytest.raises(UserError, match="shown in vain or rated too low"):
            TrainingHarness(exposed.build(Config()), context)


def test_all_known_negatives_excluded_is_random() -> None:
    context = default_context()
    both = context.train.join(context.known_negatives())
    context = replace(context, excluded=Membership.of(both))
    _, here, drawn = drawn_by("exposed(mix=0,negatives=3)", context)
    _, _, even = drawn_by("random(negatives=3)", context)
    assert torch.equal(drawn.ids, even.ids) and torch.allclose(drawn.logq, even.logq)


@pytest.mark.parametrize(
    ("setting", "words"), [("mix=1.5", "`mix` must be"), ("negatives=0", "`negatives` must be")]
)
def test_settings_out_of_range_are_refused(setting: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        recipe(f"exposed({setting})")


def test_the_pairs_are_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    context, calls = default_context(), []
    known = context.known_negatives()
    context = replace(context, known_negatives=lambda: calls.append(1) or known)
    harness = TrainingHarness(exposed.build(Config()), context)
    for number in (1, 2, 3):
        harness.train(number)
    assert len(calls) == 1
    assert np.array_equal(known.lengths, harness.method.sampler.sizes.numpy())
