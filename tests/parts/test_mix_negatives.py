"""Two kinds of negatives in one step: the mixture over what each row may use."""

import pytest
import torch

from negbench.composition import recipe
from negbench.ops import rng
from negbench.parts import BPR, Uniform
from negbench.parts.losses.functions import bpr
from negbench.parts.selection.first_usable import first_usable
from negbench.parts.selection.mix_negatives import join
from negbench.protocol import Method, Negatives, Step
from negbench.testing.toy_data import TrainingHarness, toy_context

N, M = 6, 2


def step() -> Step:
    return TrainingHarness(Method(Uniform(), BPR())).step()


def masked(here: Step) -> tuple[Negatives, Negatives]:
    """Of each row some negatives of either kind may be used; of rows 0, 1 and 2 none of a kind."""
    rows = len(here.batch)
    usable = torch.rand(rows, N + M, generator=rng.stream(0, "mask")) < 0.4
    usable[:, [1, N]] = True
    usable[0, N:] = False
    usable[1, :N] = False
    usable[2] = False
    ids = torch.arange(N).expand(rows, -1)
    vectors = torch.randn(rows, M, 8, generator=rng.stream(1, "vectors"))
    return Negatives(ids, mask=usable[:, :N]), Negatives(vectors=vectors, mask=usable[:, N:])


@pytest.mark.parametrize("w", [0.3, 0.7])
def test_a_masked_negative_does_not_change_the_shares(w: float) -> None:
    here = step()
    real, extra = masked(here)
    both = join(here, real, extra, w)
    s_pos, s_neg = here.view.score_pair(here.view.positive), here.score(both)
    assert both.logw is not None
    got = bpr(s_pos, s_neg, both.logw.exp(), both.mask)
    of_real, of_extra = bpr(s_pos, s_neg[:, :N], None, real.mask), None
    of_extra = bpr(s_pos, s_neg[:, N:], None, extra.mask)
    want = (1 - w) * of_real + w * of_extra
    want[0], want[1], want[2] = of_real[0], of_extra[1], 0.0
    torch.testing.assert_close(got, want)


def test_equal_shares_weigh_all_alike_whatever_is_masked() -> None:
    here = step()
    both = join(here, *masked(here), M / (N + M))
    assert both.logw is None
    for n in range(1, 60):  # M / (n + M) (n + M) need not be M to the last bit
        real = Negatives(torch.zeros(len(here.batch), n, dtype=torch.long))
        assert join(here, real, masked(here)[1], M / (n + M)).logw is None


def test_the_extra_kind_alone_keeps_what_the_stages_before_said_of_the_rows() -> None:
    plain, late = (
        TrainingHarness(recipe(f"warp+adar(warmup=0,w=1,mode={mode})").build()).forward()
        for mode in ("forward", "snap")
    )
    weight = TrainingHarness(recipe("warp(tries=1)").build()).forward().used.row_weight
    for outcome in (plain, late):
        assert weight is not None and outcome.used.row_weight is not None
        assert torch.equal(outcome.used.row_weight, weight)


def test_the_first_usable_is_none_only_where_there_is_none() -> None:
    here = step()
    real, _ = masked(here)
    first = first_usable(here, real)
    assert real.mask is not None and first.mask is not None and first.ids is not None
    assert torch.equal(first.mask.squeeze(1), real.mask.any(1))
    for row in range(len(here.batch)):
        usable = real.mask[row].nonzero().flatten().tolist()
        assert not usable or int(first.ids[row, 0]) == usable[0]


@pytest.mark.parametrize("method", ["adar(warmup=0)", "adar(warmup=0,w=1)", "dmns"])
def test_a_pool_whose_first_item_is_hidden_has_synthesised_negatives_too(method: str) -> None:
    """The first item of the pool is the positive of user 0, the only one who may not have it."""
    context = toy_context([[0], [1], [2], [3]], 9)
    harness = TrainingHarness(recipe(f"in_batch+{method}").build(), context)
    harness.refresh(1)
    used = harness.forward().used
    assert used.mask is not None and bool(used.mask[:, -1].all())
