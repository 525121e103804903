from itertools import combinations

import pytest

from negbench.analysis.figures._palette import FIXED, HUES, MARKERS, hue, looks
from negbench.analysis.figures._style import LONGEST, across, short


def test_a_name_keeps_its_look_from_run_to_run() -> None:
    small = looks([("dns", "dns", False), ("mine", "mine", False)])
    large = looks([("mine", "mine", False), *((name, name, False) for name in FIXED)])
    assert small["dns"] == large["dns"]
    assert small["mine"] == large["mine"]


def test_forty_rows_have_forty_looks() -> None:
    rows = [(name, name, False) for name in FIXED]
    rows += [(f"method_{at}", f"method_{at}", False) for at in range(28)]
    rows += [(name, name, True) for name in ("most_popular", "ease", "item_knn")]
    found = looks(rows)
    pairs = [(look.color, look.marker) for look in found.values()]
    assert len(set(pairs)) == len(rows) == 40


def test_variants_of_a_method_differ_in_marker_and_shade() -> None:
    names = ["dns", "dns(candidates=8)", "dns(candidates=32)", "dns_mn"]
    found = looks((name, name.partition("(")[0], False) for name in names)
    for one, other in combinations(found.values(), 2):
        assert one.marker != other.marker
        assert one.color != other.color


def test_a_familys_methods_have_its_hue_and_no_marker_of_a_fixed_look() -> None:
    names = [f"method_{at}" for at in range(12)]
    found = looks(((n, n, False) for n in names), dict.fromkeys(names, "diffusion"))
    assert {look.color for look in found.values()} == set(HUES["diffusion"])
    assert len({(look.color, look.marker) for look in found.values()}) == 12
    assert not {look.marker for look in found.values()} & {look.marker for look in FIXED.values()}


def test_an_unknown_family_keeps_one_hue() -> None:
    assert hue("adversarial") == hue("adversarial")
    assert hue("adversarial") in HUES.values()


@pytest.mark.parametrize("many", [21, 50])
def test_a_crowded_family_goes_on_with_other_markers(many: int) -> None:
    names = [f"method_{at}" for at in range(many)]
    found = looks(((n, n, False) for n in names), dict.fromkeys(names, "language"))
    pairs = {(look.color, look.marker) for look in found.values()}
    assert len(pairs) == min(many, len(HUES["language"]) * len(MARKERS))


def test_long_names_are_cut_in_the_middle_and_stay_apart() -> None:
    start = "dns(candidates=32,some_other_parameter="
    names = ["dns", f"{start}0.5)", f"{start}0.7)", f"{start}1,x=3,y=0.5)"]
    told = short(names)
    assert told[0] == "dns" and told[1] == "dns(candidate…meter=0.5)"
    assert all(len(name) <= LONGEST for name in told)
    twins = [f"aaaaaaaaaaaaaaaaaaaaaaaa{at}bbbbbbbbbbbbbbbbb" for at in range(3)]
    assert len(set(short(twins))) == 3


def test_a_legend_is_as_wide_as_its_page() -> None:
    assert across(["a", "b"], 7.0, 5) == 2
    assert across(["a"] * 9, 7.0, 5) == 5
    assert across([f"{at}" * 24 for at in range(9)], 3.33, 2) == 1
