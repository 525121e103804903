from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from negbench.analysis.measures.sweeps import sweeps
from negbench.analysis.runs.frames import open_run

Sweep = Callable[..., None]


@pytest.fixture
def sweep(tmp_path: Path, write: Any) -> Sweep:
    """Writes both seeds of a row of `tmp_path / "run"` with these settings in full."""

    def row(
        method: str,
        mean: float,
        variant: str = "",
        *,
        config: dict[str, Any] | None = None,
        backbone: str = "mf",
        train: dict[str, Any] | None = None,
        seeds: tuple[int, ...] = (0, 1),
        **own: Any,
    ) -> None:
        def change(record: dict[str, Any]) -> None:
            spec = record["spec"]
            spec["method_config"] = config or {}
            spec["backbone_config"] = {"lr": 0.01, "layers": 3} | own
            spec["train"] |= {"lr": None} | (train or {})

        for seed in seeds:
            values = {"all": [mean + 0.01 * seed] * 4}
            write(
                tmp_path / "run",
                "books",
                method,
                seed,
                values,
                variant=variant,
                backbone=backbone,
                change=change,
            )

    return row


def curves(tmp_path: Path) -> dict[tuple[str, str], list[tuple[Any, float]]]:
    """Values and means of each curve, by setting and curve."""
    frame = sweeps(open_run(tmp_path / "run"))
    known: dict[tuple[str, str], list[tuple[Any, float]]] = {}
    for line in frame.to_dict("records"):
        points = known.setdefault((line["setting"], line["curve"]), [])
        points.append((line["value"], round(line["mean"], 4)))
    return known


def dns(candidates: int) -> dict[str, Any]:
    return {"variant": f"candidates={candidates}", "config": {"dns": {"candidates": candidates}}}


def test_rows_that_differ_in_one_setting_are_a_curve(sweep: Sweep, tmp_path: Path) -> None:
    sweep("dns", 0.2, config={"dns": {"candidates": 8}})  # the default is a point too
    sweep("dns", 0.1, **dns(2))
    sweep("dns", 0.3, **dns(16))
    sweep("random", 0.1, config={"random": {"negatives": 1}})
    assert curves(tmp_path) == {("candidates", "dns"): [(2, 0.105), (8, 0.205), (16, 0.305)]}
    frame = sweeps(open_run(tmp_path / "run"))
    assert list(frame["row"]) == ["dns(candidates=2)", "dns", "dns(candidates=16)"]
    assert set(frame["seeds"]) == {2} and set(frame["metric"]) == {"ndcg@20"}
    assert frame["std"].to_list() == pytest.approx([0.005 * 2**0.5] * 3)


def test_a_product_has_a_curve_for_each_value_of_the_other(sweep: Sweep, tmp_path: Path) -> None:
    for lr in (0.01, 0.1):
        for candidates in (2, 16):
            mean = round(lr + candidates / 100, 3)
            sweep("dns", mean, **dns(candidates), lr=lr, train={"lr": lr})
    assert curves(tmp_path) == {
        ("candidates", "dns@lr=0.01"): [(2, 0.035), (16, 0.175)],
        ("candidates", "dns@lr=0.1"): [(2, 0.125), (16, 0.265)],
        ("lr", "dns(candidates=2)"): [(0.01, 0.035), (0.1, 0.125)],
        ("lr", "dns(candidates=16)"): [(0.01, 0.175), (0.1, 0.265)],
    }


def test_two_settings_at_once_are_no_curve(sweep: Sweep, tmp_path: Path) -> None:
    sweep("dns", 0.1, **dns(2))
    sweep("dns", 0.2, **dns(4), lr=0.1, train={"lr": 0.1})
    assert curves(tmp_path) == {}


def test_a_training_option_and_the_default_of_the_backbone_are_one_curve(
    sweep: Sweep, tmp_path: Path
) -> None:
    sweep("random", 0.1)
    sweep("random", 0.2, lr=0.1, train={"lr": 0.1})
    sweep("random", 0.3, layers=1)
    sweep("random", 0.4, train={"epochs": 9})
    assert curves(tmp_path) == {
        ("lr", "random"): [(0.01, 0.105), (0.1, 0.205)],
        ("layers", "random"): [(1, 0.305), (3, 0.105)],
        ("epochs", "random"): [(2, 0.105), (9, 0.405)],
    }


def test_words_are_values_too_and_a_row_without_a_seed_is_no_point(
    sweep: Sweep, tmp_path: Path
) -> None:
    sweep("random", 0.1, similarity="dot")
    sweep("random", 0.2, similarity="cosine")
    sweep("random", 0.3, similarity="other", seeds=(0,))
    assert curves(tmp_path) == {("similarity", "random"): [("cosine", 0.205), ("dot", 0.105)]}


def test_a_parameter_says_whose_it_is_where_names_meet(sweep: Sweep, tmp_path: Path) -> None:
    for at, (lr, n) in enumerate([(1, 1), (2, 1), (2, 5)]):
        config = {"a": {"lr": lr, "n": 1}, "b": {"n": n}}
        sweep("a+b", 0.1 * at, f"lr={lr},n=1;n={n}", config=config)
    for n in (5, 9):
        sweep("ease", n / 10, f"n={n}", config={"n": n}, backbone="reference", seeds=(0,))
    assert curves(tmp_path) == {
        ("lr of a", "a(n=1)+b(n=1)"): [(1, 0.005), (2, 0.105)],
        ("n of b", "a(lr=2,n=1)+b"): [(1, 0.105), (5, 0.205)],
        ("n of ease", "ease"): [(5, 0.5), (9, 0.9)],
    }


def test_rows_whose_settings_a_search_chose_are_no_sweep(tmp_path: Path, write: Any) -> None:
    for candidates in (2, 4):

        def change(record: dict[str, Any], candidates: int = candidates) -> None:
            record["spec"]["method_config"] = {"dns": {"candidates": candidates}}
            record["spec"]["tuned"] = {"row": f"dns(n={candidates})", "protocol": "p", "trials": 2}

        values = {"all": [0.1 * candidates] * 4}
        write(tmp_path / "run", "books", "dns", 0, values, change=change)
    assert curves(tmp_path) == {}
