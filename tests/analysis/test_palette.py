from itertools import combinations

from negbench.analysis.palette import FIXED, looks


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
