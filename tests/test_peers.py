"""The comparison with peers names rows that the bench prints: a renamed one would end it late."""

import importlib.util
from itertools import product
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


def test_every_row_that_is_compared_is_one_of_the_bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    spec = importlib.util.spec_from_file_location("compare", BENCHMARKS / "peers" / "compare.py")
    compare = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(compare)
    training = {
        f"{method} on {backbone}"
        for method, backbone in product(
            ["random", "popularity", "dns(candidates=32)"], compare.BACKBONES.split(",")
        )
    }
    assert compare.METHODS == "random,popularity,dns(candidates=32)"
    others = set(compare.OURS.values()) - training
    sources = "".join(
        (BENCHMARKS / f"{name}.py").read_text("utf-8") for name in ("work_draws", "work_ranking")
    )
    cases = {each.removeprefix("uniform, ") for each in others}
    assert cases and all(f'"{each}"' in sources for each in cases), cases
