"""Pages for the tests of the report, and a browser that shows them."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from helpers import browser

LONG = "candidates=64,top=8,schedule=linear_warmup_over_20_epochs"


@pytest.fixture
def browse(tmp_path: Path) -> Callable[..., browser.Shown]:
    """Open a page, run a script in it that gives back what it saw, and close the browser."""
    if browser.CHROMIUM is None:
        pytest.skip(browser.MISSING)
    return partial(browser.browse, tmp_path)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no figures, where a test looks at tables."""
    monkeypatch.setattr("negbench.analysis.report.page.KINDS", {})


@pytest.fixture
def rich(tmp_path: Path, write: Any) -> Path:
    """A row with a long name, a row that lacks a seed, probes, and two references."""
    run = tmp_path / "rich"
    means = {"random": 0.1, "popularity": 0.09, "dns": 0.3, "mixed": 0.2}
    for method, mean in means.items():
        for seed in (0, 1):
            if (method, seed) == ("mixed", 1):
                fail = {"status": "failed", "reason": "Out of memory."}
                write(run, "books", method, seed, {}, change=lambda r, f=fail: r.update(f))
                continue
            values = {
                "all": [mean, mean + 0.1 + seed / 50],
                "head": [mean / 2] * 2,
                "tail": [0.1] * 2,
            }
            write(
                run,
                "books",
                method,
                seed,
                values,
                variant=LONG if method == "dns" else "",
                change=_probed(mean),
            )
    for reference, mean in (("most_popular", 0.05), ("item_knn", 0.15)):
        write(
            run,
            "books",
            reference,
            0,
            {"all": [mean] * 2, "head": [mean] * 2},
            backbone="reference",
        )
    return run


def _probed(mean: float) -> Callable[[dict[str, Any]], None]:
    def change(record: dict[str, Any]) -> None:
        record["probe"] = {"mode": "sample", "exact": False, "hard": 0.1, "planted": 0, "log": 0}
        for name, value in (("fnr", mean / 10), ("fnr_lift", mean)):
            line = {"split": "train", "metric": name, "k": 0, "band": "all", "value": value}
            record["metrics"].append(line)

    return change
