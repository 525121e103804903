from itertools import combinations

import pytest

from negbench.analysis.figures._palette import FIXED, HUES, MARKERS, assign_styles, hue
from negbench.analysis.figures._style import LONGEST, legend_columns, short_names


def test_a_name_keeps_its_style_from_run_to_run() -> None:
    small = assign_styles([("dns", "dns", False), ("mine", "mine", False)])
    large = assign_styles([("mine", "mine", False), *((name, name, False) for name in FIXED)])
    assert small["dns"] == large["dns"]
    assert small["mine"] == large["mine"]


def test_forty_rows_have_forty_styles() -> None:
    rows = [(name, name, False) for name in FIXED]
    rows += [(f"method_{at}", f"method_{at}", False) for at in range(28)]
    rows += [(name, name, True) for name in ("most_popular", "ease", "item_knn")]
    styles = assign_styles(rows)
    pairs = [(style.color, style.marker) for style in styles.values()]
    assert len(set(pairs)) == len(rows) == 40


def test_variants_of_a_method_differ_in_marker_and_shade() -> None:
    names = ["dns", "dns(candidates=8)", "dns(candidates=32)", "dns_mn"]
    styles = assign_styles((name, name.partition("(")[0], False) for name in names)
    for one, other in combinations(styles.values(), 2):
        assert one.marker != other.marker
        assert one.color != other.color


def test_a_familys_methods_have_its_hue_and_no_marker_of_a_fixed_style() -> None:
    names = [f"method_{at}" for at in range(12)]
    styles = assign_styles(((n, n, False) for n in names), dict.fromkeys(names, "diffusion"))
    assert {style.color for style in styles.values()} == set(HUES["diffusion"])
    assert len({(style.color, style.marker) for style in styles.values()}) == 12
    assert not {style.marker for style in styles.values()} & {
        style.marker for style in FIXED.values()
    }


def test_an_unknown_family_keeps_one_hue() -> None:
    assert hue("adversarial") == hue("adversarial")
    assert hue("adversarial") in HUES.values()


@pytest.mark.parametrize("many", [21, 50])
def test_a_crowded_family_goes_on_with_other_markers(many: int) -> None:
    names = [f"method_{at}" for at in range(many)]
    styles = assign_styles(((n, n, False) for n in names), dict.fromkeys(names, "language"))
    pairs = {(style.color, style.marker) for style in styles.values()}
    assert len(pairs) == min(many, len(HUES["language"]) * len(MARKERS))


def test_long_names_are_cut_in_the_middle_and_stay_apart() -> None:
    start = "dns(candidates=32,some_other_parameter="
    names = ["dns", f"{start}0.5)", f"{start}0.7)", f"{start}1,x=3,y=0.5)"]
    labels = short_names(names)
    assert labels[0] == "dns" and labels[1] == "dns(candidate…meter=0.5)"
    assert all(len(name) <= LONGEST for name in labels)
    twins = [f"aaaaaaaaaaaaaaaaaaaaaaaa{at}bbbbbbbbbbbbbbbbb" for at in range(3)]
    assert len(set(short_names(twins))) == 3


def test_a_legend_is_as_wide_as_its_page() -> None:
    assert legend_columns(["a", "b"], 7.0, 5) == 2
    assert legend_columns(["a"] * 9, 7.0, 5) == 5
    assert legend_columns([f"{at}" * 24 for at in range(9)], 3.33, 2) == 1
