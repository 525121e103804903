from types import SimpleNamespace

import pytest

from negbench.composed_method import same_method
from negbench.composition import recipe
from negbench.errors import UserError
from negbench.parts import BCE, BPR, GBCE, Pool, Softmax, TopM, Uniform
from negbench.testing import conforms
from negbench.testing.toy_data import TrainingHarness


def test_names_variants_and_settings() -> None:
    parsed = recipe("dns(candidates=32)")
    assert (parsed.name, parsed.variant, str(parsed)) == (
        "dns",
        "candidates=32",
        "dns(candidates=32)",
    )
    assert parsed.configs() == {"dns": {"candidates": 32}}
    assert recipe("dns").configs() == {"dns": {"candidates": 8}}
    assert recipe("dns", "gbce(t=0.5)").variant == "objective=gbce(t=0.5)"


def test_each_choice_comes_from_the_one_that_moves_it() -> None:
    parsed = recipe("popularity(negatives=16)+dns_mn(top=3)").build()
    assert type(parsed.sampler).__name__ == "Popular"
    assert parsed.stages == (TopM(3, "one"),) and isinstance(parsed.objective, BPR)
    assert TrainingHarness(parsed).forward().drawn.n == 16
    pool = recipe("in_batch+dns").build()
    assert isinstance(pool.sampler, Pool) and pool.stages == (TopM(1),)
    assert isinstance(pool.objective, BPR)


def test_what_nobody_moves_comes_from_the_last() -> None:
    first, last = recipe("dns+in_batch").build(), recipe("in_batch+dns").build()
    assert isinstance(first.objective, Softmax) and isinstance(last.objective, BPR)


def test_stages_line_up_in_the_order_typed() -> None:
    parsed = recipe("dns_mn(top=5,keep=all)+dns(candidates=9)").build()
    assert parsed.stages == (TopM(5, "all"), TopM(1))
    assert isinstance(parsed.sampler, Uniform) and parsed.sampler.negatives == 9


@pytest.mark.parametrize("name,kind", [("bpr", BPR), ("bce", BCE), ("gbce", GBCE)])
def test_an_objective_may_be_forced_on_all(name: str, kind: type) -> None:
    for method in ("dns", "in_batch", "popularity+dns"):
        assert isinstance(recipe(method, name).build().objective, kind)


@pytest.mark.parametrize(
    ("text", "parameter", "owner"),
    [
        ("popularity+dns_mn(candidates=64)", "candidates", "popularity"),
        ("dns_mn(candidates=20,top=5)+dns", "candidates", "dns"),
        ("in_batch+dns(candidates=32)", "candidates", "in_batch"),
    ],
)
def test_a_typed_parameter_that_changes_nothing_is_refused(text, parameter, owner) -> None:
    """The sampler is another method's, so the number would be dropped in silence."""
    with pytest.raises(UserError, match=f"{parameter} of .* changes nothing beside {owner}"):
        recipe(text)


def test_a_loss_parameter_beside_a_forced_objective_is_refused() -> None:
    with pytest.raises(UserError, match="negative of bsl changes nothing beside --objective bpr"):
        recipe("bsl(negative=0.3)", "bpr")
    assert recipe("dns(candidates=32)", "bpr").build().sampler.negatives == 32


@pytest.mark.parametrize(
    "text",
    ["popularity(negatives=64)+dns_mn(top=8)", "popularity+dns_mn(candidates=32)", "shapley+dns"],
)
def test_parameters_that_count_and_typed_defaults_are_taken(text) -> None:
    assert str(recipe(text)) == text


def test_parts_that_know_one_another_are_compared_once() -> None:
    def pair(setting):
        one, other = SimpleNamespace(setting=setting), SimpleNamespace()
        one.other, other.one = other, one
        return SimpleNamespace(parts=(one, other))

    assert same_method(pair(1), pair(1)) and not same_method(pair(1), pair(2))


def test_building_twice_shares_nothing() -> None:
    parsed = recipe("popularity+dns")
    assert parsed.build().sampler is not parsed.build().sampler


@pytest.mark.parametrize("text", ["popularity(negatives=8)+dns", "in_batch+dns_mn", "mixed+dns"])
def test_compositions_conform(text: str) -> None:
    conforms(text)


@pytest.mark.parametrize(
    "text,objective,word",
    [
        ("dnss", None, "got 'dnss'; did you mean dns"),
        ("", None, "a method needs a name"),
        ("popularity+random", None, "only one method of a composition may set the sampler"),
        ("dns+dns", None, "each method once"),
        ("dns(candidates=0)", None, "dns: `candidates` must be at least 1"),
        ("dns(m=3)", None, "dns has no parameter 'm'"),
        ("dns", "bqr", "--objective must be a known objective; got 'bqr'; did you mean bpr"),
        ("dns", "gbce(t=7)", "gbce: `t` must be from 0 to 1"),
        ("dns", "bpr(x=1)", "bpr has no parameter 'x'; it takes none"),
    ],
)
def test_mistakes_are_refused_before_any_training(
    text: str, objective: str | None, word: str
) -> None:
    with pytest.raises(UserError, match=word):
        recipe(text, objective)


@pytest.mark.parametrize("objective", ["bpr", "softmax", "bce(reduce=sum)"])
@pytest.mark.parametrize("text", ["directau", "enmf", "mawu+tce"])
def test_no_objective_is_forced_where_no_negatives_are_drawn(text: str, objective: str) -> None:
    with pytest.raises(UserError, match=rf"objective {objective.partition('(')[0]}.* needs neg"):
        recipe(text, objective)


@pytest.mark.parametrize("text", ["directau+dns", "dns_mn+enmf", "tce+mawu+til", "mawu+dmns"])
def test_no_stage_acts_on_negatives_that_are_not_drawn(text: str) -> None:
    with pytest.raises(UserError, match="only one method|acts on negatives, and method") as error:
        recipe(text)
    assert "\n" not in str(error.value)


def test_stages_on_rows_and_losses_without_negatives_compose_either_way() -> None:
    for text in ("directau+rce", "tce+enmf", "mawu+tce+rce", "rce+mawu"):
        outcome = TrainingHarness(recipe(text).build()).forward()
        assert outcome.used.n == 0 and outcome.losses and outcome.rows.requires_grad
