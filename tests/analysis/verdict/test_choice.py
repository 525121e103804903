"""The rule of the recommendation, on standings made up for it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import nan

from hypothesis import given
from hypothesis import strategies as st

from negbench.analysis.verdict.choice import Choice, Why, best_choice, cheap_choice
from negbench.analysis.verdict.standings import Standing

BLOCKS = 3
LINE = Standing("", "method", BLOCKS, 0, 0, 0, 0.1, 1, 1, 1, ("random",) * BLOCKS, (), (), ())


def line(row: str, unbeaten: int, base: int, reference: int = 0, **change: object) -> Standing:
    counts = {"unbeaten": unbeaten, "above_base": base, "above_reference": reference}
    return replace(LINE, row=row, **counts, **change)  # type: ignore[arg-type]


def choose(*lines: Standing, price: Mapping[str, float] | None = None, **counts: int) -> Choice:
    asked = {"covered": BLOCKS, "referenced": BLOCKS} | counts
    return best_choice(lines, price or {}, **asked)


def test_the_one_that_passes_is_chosen() -> None:
    lines = line("dns", 3, 3, 3), line("random", 0, 0, 3), line("knn", 0, 3, kind="reference")
    assert choose(*lines) == Choice("dns")


def test_each_count_must_be_more_than_half() -> None:
    for counts in ((1, 3, 3), (3, 1, 3)):
        assert choose(line("dns", *counts)) == Choice(why=Why.NONE_PASSES, closest="dns")
    assert choose(line("dns", 3, 3, 1)).why == Why.NO_REFERENCE_BEATEN
    assert choose(line("dns", 2, 2, 2)).row == "dns"


def test_of_the_tied_the_cheapest_is_chosen_and_an_unknown_price_is_the_last() -> None:
    lines = [line(name, 3, 3, 3) for name in ("a", "b", "c")]
    choice = choose(*lines, price={"a": nan, "b": 2.0, "c": 1.5})
    assert (choice.row, choice.tied) == ("c", ("b", "a"))


def test_fewer_rows_above_go_before_a_lower_price() -> None:
    choice = choose(line("a", 3, 3, 3), line("b", 2, 3, 3), price={"a": 9.0, "b": 1.0})
    assert (choice.row, choice.tied) == ("a", ())


def test_where_no_method_beats_the_references_the_best_of_them_is_named() -> None:
    knn, popular = (line(n, 3, 3, kind="reference", rank=r) for n, r in (("knn", 1), ("pop", 2)))
    choice = choose(line("dns", 0, 3, 1), line("cml", 0, 3), popular, knn)
    assert (choice.row, choice.tied, choice.closest) == ("knn", ("pop",), "dns")
    assert choice.why == Why.NO_REFERENCE_BEATEN
    weak = replace(knn, above_base=1), replace(popular, unbeaten=1)
    assert choose(line("dns", 3, 3, 1), *weak).row == ""


def test_a_reference_that_is_the_baseline_need_not_be_above_itself() -> None:
    knn = line("knn", 3, 0, kind="reference", bases=("knn",) * BLOCKS)
    assert choose(line("dns", 0, 0, 0, bases=("knn",) * BLOCKS), knn).row == "knn"


def test_one_seed_carries_no_choice_and_no_reference_asks_for_none() -> None:
    assert choose(line("dns", 3, 3, 3), covered=1) == Choice(why=Why.ONE_SEED)
    assert choose(line("dns", 3, 3, 0), referenced=1).row == "dns"
    assert choose() == Choice(why=Why.NONE_PASSES)


def test_cheap_is_the_least_seconds_of_those_that_no_row_is_above() -> None:
    lines = line("dns", 3, 3), line("random", 3, 0), line("pop", 0, 0, kind="reference")
    seconds = {"dns": 9.0, "random": 4.0, "pop": 0.1}
    assert cheap_choice(lines, seconds, telling=2) == Choice("random", ("dns",))
    assert cheap_choice(lines, seconds, telling=1).why == Why.ALL_LEVEL
    assert cheap_choice(lines, {"dns": 9.0}, telling=2).why == Why.NO_SECONDS
    assert cheap_choice(lines[2:], seconds, telling=2).why == Why.NONE_PASSES


def test_cheap_is_no_row_below_its_baseline_in_half_or_more_of_the_blocks() -> None:
    gains = {"far": (-0.4, -0.9, 0.1), "dns": (0.2, -0.1, 0.1), "new": (nan, nan, nan)}
    far, dns, new = (line(name, 3, 0, base_gains=each) for name, each in gains.items())
    seconds = {"far": 1.0, "dns": 2.0, "new": 3.0}
    assert cheap_choice([far, dns, new], seconds, telling=3) == Choice("dns", ("new",))
    assert cheap_choice([far], seconds, telling=3) == Choice(why=Why.BELOW_BASE)
    assert cheap_choice([far, dns], {"dns": 2.0}, telling=3).row == "dns"


COUNT = st.integers(0, BLOCKS)
PRICE = st.sampled_from([1.0, 2.0, 3.0, nan])
LINES = st.lists(
    st.builds(
        lambda counts, kind, rank: line("", *counts, kind=kind, rank=rank),
        st.tuples(COUNT, COUNT, COUNT),
        st.sampled_from(["method", "method", "reference"]),
        st.sampled_from([1.0, 2.0, 2.5]),
    ),
    min_size=1,
    max_size=6,
)


def naive(lines: Sequence[Standing], price: Mapping[str, float], referenced: bool) -> set[str]:
    """The rows that may be chosen, by the words of the rule one after the other."""
    most = [row for row in lines if row.unbeaten >= 2 and row.above_base >= 2]
    methods = [row for row in most if row.kind == "method"]
    if referenced:
        beaten = any(r.above_reference >= 2 for r in lines if r.kind == "method")
        methods = [row for row in methods if row.above_reference >= 2]
        if not beaten:
            most = [row for row in most if row.kind == "reference"]
            top = [r for r in most if r.unbeaten == max(o.unbeaten for o in most)]
            return {r.row for r in top if r.rank == min(o.rank for o in top)}
    top = [row for row in methods if row.unbeaten == max(other.unbeaten for other in methods)]
    known = [row for row in top if price[row.row] == price[row.row]]
    least = [r for r in known if price[r.row] == min(price[o.row] for o in known)] or top
    return {row.row for row in least}


@given(LINES, st.lists(PRICE, min_size=6, max_size=6), st.booleans(), st.randoms())
def test_the_choice_is_that_of_a_naive_reading_in_any_order(
    drawn: list[Standing], prices: list[float], referenced: bool, random: object
) -> None:
    lines = [replace(each, row=f"row{at}") for at, each in enumerate(drawn)]
    if not any(each.kind == "method" for each in lines):
        lines[0] = replace(lines[0], kind="method")
    price = {each.row: prices[at] for at, each in enumerate(lines)}
    choice = choose(*lines, price=price, referenced=BLOCKS * referenced)
    allowed = naive(lines, price, referenced)
    assert choice.row in allowed if allowed else choice.row == ""
    shuffled = list(lines)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert choose(*shuffled, price=price, referenced=BLOCKS * referenced) == choice
