import pytest
import torch
from scipy import stats

from negbench.composition import recipe
from negbench.errors import UserError
from negbench.methods import popularity
from negbench.methods.popularity import Config, weights
from negbench.plugins.term_syntax import config_of
from negbench.testing.toy_data import TrainingHarness


def frequencies(method: str, n: int = 30_000) -> tuple[torch.Tensor, torch.Tensor]:
    """How often each user got each item [7, 12], and exp(logq) of those met."""
    harness = TrainingHarness(recipe(f"popularity(negatives={n},{method})").build())
    here = harness.step()
    drawn = harness.method.sampler.sample(here)
    assert drawn.ids is not None and drawn.logq is not None
    seen, declared = torch.zeros(7, 12), torch.zeros(7, 12)
    for row, user in enumerate(here.batch.users.tolist()):
        seen[user] += torch.bincount(drawn.ids[row], minlength=12)
        declared[user, drawn.ids[row]] = drawn.logq[row].exp()
    return seen, declared


@pytest.mark.parametrize("exponent", [0.0, 0.5, 0.75, 1.0, -1.0])
def test_frequencies_are_the_declared_ones(exponent: float) -> None:
    seen, declared = frequencies(f"exponent={exponent}")
    for user in range(7):
        p = declared[user].double()
        assert p.sum().item() == pytest.approx(1, abs=1e-5)
        met = p > 0
        if met.sum() > 1:
            expected = p[met] / p[met].sum() * seen[user].sum()
            assert stats.chisquare(seen[user][met].numpy(), expected.numpy()).pvalue > 1e-4


def test_exponent_0_is_random_cold_items_too() -> None:
    harness = TrainingHarness(recipe("random").build())
    even = harness.method.sampler.sample(harness.step())
    assert even.logq is not None
    _, declared = frequencies("exponent=0,smoothing=0")
    for row, user in enumerate(harness.step().batch.users.tolist()):
        met = set(harness.context.train.row(user).tolist())
        want = [0.0 if i in met else even.logq[row, 0].exp().item() for i in range(12)]
        assert declared[user].tolist() == pytest.approx(want)


def test_weights_by_hand() -> None:
    counts = torch.tensor([0.0, 1, 16])
    assert weights(counts, Config(exponent=0.75, smoothing=0)).tolist() == [0, 1, 8]
    assert weights(counts, Config(exponent=0.5, smoothing=9)).tolist() == pytest.approx(
        [3, 10**0.5, 5]
    )
    assert weights(counts, Config(exponent=0, smoothing=0)).tolist() == [1, 1, 1]
    assert weights(counts, Config(exponent=-1, smoothing=0)).tolist() == [0, 1, 1 / 16]


def test_a_cold_item_is_drawn_only_with_smoothing() -> None:
    seen, _ = frequencies("smoothing=0")
    assert not seen[:, 11].any()
    seen, _ = frequencies("smoothing=1")
    assert bool(seen[:, 11].all())


def test_a_user_with_only_cold_items_left_is_masked_without_smoothing() -> None:
    harness = TrainingHarness(recipe("popularity(smoothing=0)").build())
    outcome = harness.train()
    assert outcome.used.mask is not None and outcome.used.logq is not None
    assert torch.equal(outcome.used.mask.squeeze(1), outcome.step.batch.users != 5)
    assert torch.isfinite(outcome.used.logq).all()


@pytest.mark.parametrize("bad", ["exponent=3", "smoothing=-1", "negatives=0"])
def test_settings_out_of_range_are_refused(bad: str) -> None:
    with pytest.raises(UserError, match=bad.split("=")[0]):
        recipe(f"popularity({bad})")


def test_the_preset_of_the_study_of_sequential_models() -> None:
    config = config_of(popularity, {"preset": "apple"}, "popularity")
    assert config == popularity.Config(exponent=1.0, smoothing=0.0, negatives=5, shared="sequence")
