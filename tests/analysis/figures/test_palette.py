from collections import Counter
from itertools import combinations

import pytest
from matplotlib.colors import to_rgb

from negbench.analysis.figures._method_styles import METHODS
from negbench.analysis.figures._palette import (
    FIXED,
    FIXED_REFERENCES,
    FREE,
    SLOTS,
    Style,
    assign_styles,
)
from negbench.analysis.figures._style import LONGEST, short_names
from negbench.plugins import registry

EVERY = (*FIXED.values(), *FREE, *FIXED_REFERENCES.values())


def lightness(color: str) -> float:
    """L* of CIELAB, 0 for black and 100 for white: what is left of a colour in greyscale."""
    r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in to_rgb(color))
    return 116 * float(0.2126 * r + 0.7152 * g + 0.0722 * b) ** (1 / 3) - 16


def looks(styles: list[Style]) -> int:
    """How many differ in colour or marker, so that points do as well as lines."""
    return len({(style.color, style.marker) for style in styles})


def test_every_registered_method_and_reference_has_a_style_of_its_own() -> None:
    rows = [(name, name, False) for name in registry.names("methods")]
    rows += [(name, name, True) for name in registry.names("references")]
    assert {name for name, _, _ in rows} == {*FIXED, *FIXED_REFERENCES}
    styles = assign_styles(rows)
    assert looks(list(styles.values())) == len(rows) >= 60
    assert styles == {**FIXED, **FIXED_REFERENCES}


def test_no_two_styles_are_alike_in_greyscale() -> None:
    assert looks(list(EVERY)) == len(EVERY)
    for one, other in combinations((*FIXED.values(), *FREE), 2):
        if (one.marker, one.dashes) == (other.marker, other.dashes):
            assert abs(lightness(one.color) - lightness(other.color)) >= 15
    assert max(lightness(style.color) for style in EVERY) < 75  # seen on white


def test_a_family_shares_a_colour_as_seldom_as_can_be() -> None:
    families: dict[str, Counter[str]] = {}
    for name, (color, _) in METHODS.items():
        families.setdefault(registry.card("methods", name).family, Counter())[color] += 1
    for colors in families.values():
        assert max(colors.values()) <= -(-colors.total() // 8) + 1


def test_a_name_keeps_its_style_from_run_to_run() -> None:
    small = assign_styles([("dns", "dns", False), ("mine", "mine", False)])
    large = assign_styles([("mine", "mine", False), *((name, name, False) for name in FIXED)])
    assert small["dns"] == large["dns"]
    assert small["mine"] == large["mine"]


@pytest.mark.parametrize("many", [20, 75, 140])
def test_rows_that_are_not_registered_are_apart_too(many: int) -> None:
    rows = [(name, name, False) for name in ("random", "dns", "all_items")]
    rows += [(f"method_{at}", f"method_{at}", False) for at in range(many)]
    rows += [(name, name, True) for name in ("most_popular", "ease", "mine")]
    styles = assign_styles(rows)
    distinct = len(SLOTS) + 5  # greys and black beside every colour under every marker
    assert looks(list(styles.values())) >= min(len(rows), distinct)
    assert styles["mine"].color == FIXED_REFERENCES["ease"].color


def test_variants_of_a_method_differ_in_marker_and_shade() -> None:
    names = ["dns", "dns(candidates=8)", "dns(candidates=32)", "dns_mn"]
    styles = assign_styles((name, name.partition("(")[0], False) for name in names)
    for one, other in combinations(styles.values(), 2):
        assert one.marker != other.marker
        assert one.color != other.color


def test_many_variants_of_many_methods_are_apart() -> None:
    rows = [(f"{name}@lr={at}", name, False) for name in ("dns", "adar", "mine") for at in range(9)]
    styles = list(assign_styles(rows).values())
    assert len(set(styles)) == len(rows)
    assert max(lightness(style.color) for style in styles) < 90


def test_long_names_are_cut_in_the_middle_and_stay_apart() -> None:
    start = "dns(candidates=32,some_other_parameter="
    names = ["dns", f"{start}0.5)", f"{start}0.7)", f"{start}1,x=3,y=0.5)"]
    labels = short_names(names)
    assert labels[0] == "dns" and labels[1] == "dns(candidate…meter=0.5)"
    assert all(len(name) <= LONGEST for name in labels)
    twins = [f"aaaaaaaaaaaaaaaaaaaaaaaa{at}bbbbbbbbbbbbbbbbb" for at in range(3)]
    assert len(set(short_names(twins))) == 3
