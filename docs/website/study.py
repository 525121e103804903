"""What the committed studies measured of a method or a reference, as a table for its page."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pandas as pd
from docstring_markdown import table
from generate import ROOT

from negbench.analysis.number_format import listed, percent, spread
from website.cards import cards

STUDIES = ("reference", "first")
"""Folders of results/; a row is shown from the first that has it, so the one of more seeds leads.

The settings and the data of both are the same (results/README.md)."""
ROW = ["dataset", "backbone", "variant"]
BANDS = ("all", "head", "mid", "tail")
K = 20
FIXED_SPACE = "\u00a0"
"""A space that does not break, so that a number keeps its deviation."""


def results_of(name: str) -> Iterator[str]:
    """The part "Results of the study" of a page; nothing where no study has a row of that name."""
    for study in STUDIES:
        measured = _results(study)
        own = measured[measured["method"] == name]
        if len(own):
            yield "## Results of the study\n"
            yield from _part(study, name, own)
            return


def _part(study: str, name: str, own: pd.DataFrame) -> Iterator[str]:
    rows, seeds, trials = [], set[int](), set[str]()
    for (dataset, backbone, variant), cells in own.groupby(ROW, dropna=False):
        dataset, backbone = str(dataset), str(backbone)
        used = sorted(int(seed) for seed in cells["seed"].unique())
        seeds |= set(used)
        settings = f"`{variant}`" if isinstance(variant, str) else "defaults"
        rates = cells[(cells["metric"] == "fnr") & (cells["split"] == "train")]["value"]
        ndcg = [_ndcg(cells, band) for band in BANDS]
        on = "" if backbone == "reference" else f"[`{backbone}`](../backbones/{backbone}.md)"
        rate = percent(rates.mean()) if len(rates) else ""
        rows.append((f"[`{dataset}`](../datasets/{dataset}.md)", on, settings, *ndcg, rate))
        trials |= _search(study, dataset, backbone, name)
    heads = ["data set", "backbone", "settings", f"NDCG@{K}", "head", "mid", "tail", "FN rate"]
    yield table(heads, rows)
    yield _protocol(sorted(seeds), sorted(trials), sorted(own["dataset"].unique()), rows) + (
        f" All rows of this study: [results/{study}](../results/{study}.md).\n"
    )


def _ndcg(cells: pd.DataFrame, band: str) -> str:
    """Mean and standard deviation over seeds on the test part."""
    of = (cells["split"] == "test") & (cells["metric"] == "ndcg") & (cells["k"] == K)
    values = cells[of & (cells["band"] == band)]["value"]
    return spread(values.mean(), values.std()).replace(" ", FIXED_SPACE)


def _protocol(
    seeds: list[int], trials: list[str], datasets: list[str], rows: list[tuple[str, ...]]
) -> str:
    """One paragraph: over what the numbers are taken, and how the settings were chosen."""
    over = f"mean ± standard deviation over {len(seeds)} seeds ({listed(list(map(str, seeds)))})"
    text = f"Test part, whole catalogue ranked, {over if len(seeds) > 1 else 'one training'}. "
    text += "head, mid, tail: NDCG on the items of that popularity band alone. "
    text += f"The settings were chosen on validation: {'; '.join(trials)}. " if trials else ""
    if any(row[-1] for row in rows):
        truth = [name for name in datasets if "truth" in cards("datasets")[name].provides]
        kinds = [f"{name}: {'exact' if name in truth else 'a lower bound'}" for name in datasets]
        text += (
            "FN rate: share of the negatives used in training that are held-out positives of their "
            f"user ({', '.join(kinds)}). "
        )
    return text.rstrip()


@cache
def _results(study: str) -> pd.DataFrame:
    """The csv of a study; one without lines where it is not there."""
    path = ROOT / "results" / study / "results.csv"
    columns = [*ROW, "method", "seed", "split", "metric", "k", "band", "value"]
    return pd.read_csv(path, usecols=columns) if path.is_file() else pd.DataFrame(columns=columns)


def _search(study: str, dataset: str, backbone: str, name: str) -> set[str]:
    """How the settings of a row were searched, from what the study keeps of the search."""
    words = set()
    for path in (ROOT / "results" / study / "searches").glob(f"{dataset}-{backbone}-{name}-*.json"):
        search = json.loads(Path(path).read_text("utf-8"))
        if search["row"] == name:
            n, rule = len(search["trials"]), search["protocol"]
            budget = f" of at most {rule['budget']['epochs']} epochs"
            epochs = "" if backbone == "reference" else budget
            words.add(
                f"{n} trials{epochs}, chosen by {rule['select']}, data set by data set"
                if n > 1
                else "there is nothing to search"
            )
    return words
