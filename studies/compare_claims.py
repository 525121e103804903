"""A run against the claims of papers (studies/claims.toml): confirmed, contrary, or not told apart.

    python studies/compare_claims.py runs/mine
    python studies/compare_claims.py runs/a runs/b --format csv -o claims.csv

For each data set and backbone every claim whose two rows were run: the difference found, with its
95 % interval, the test of `negbench compare` (users and seeds as crossed random effects) with p
Holm-corrected over all pairs of rows that the claims of the block name, and the least difference
that the test would find four times in five before correction.

    confirmed       p < .05 after correction, and the row that is claimed to be better is
    contrary        p < .05 after correction, and the other one is
    not told apart  else: no proof that the two are alike; the least detectable difference says more
    not judged      a row never left its warm-up, or lacks seeds or users
    not run         a row is missing

With one seed the test covers users alone, which another training may turn, and the verdict says so.
"""

import argparse
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan, nan
from pathlib import Path
from typing import Any

import pandas as pd

from negbench.analysis.measures.budget import warm_up_rows
from negbench.analysis.number_format import metric_label, number, p_cell
from negbench.analysis.runs import frames
from negbench.analysis.runs.factorial import combination
from negbench.analysis.runs.frames import Run
from negbench.analysis.runs.notes import Note
from negbench.analysis.statistics.multiple_testing import holm
from negbench.analysis.statistics.paired_values import Paired, paired
from negbench.analysis.statistics.test_procedure import USERS_ALONE, Procedure
from negbench.analysis.tables import footnotes
from negbench.analysis.tables.render import comma_separated, markdown, text
from negbench.analysis.tables.table import Column, Table, text_rows
from negbench.errors import UserError
from negbench.evaluation.metric_names import Metric
from negbench.storage.atomic_write import write_text
from negbench.storage.training_end import WARM_UP_ONLY

CLAIMS = Path(__file__).with_name("claims.toml")
PROCEDURE = Procedure()
Row = tuple[str, str, str]
"""A row of a block: its word without the objective, its objective, and its label."""


@dataclass(frozen=True)
class Claim:
    """One claim of a paper: `above` ranks better than `below`."""

    paper: str
    above: str
    below: str
    text: str
    """The claim in our words."""
    by: str
    """authors, or others: an independent paper."""
    backbones: tuple[str, ...] = ()
    objective: str = ""
    published: tuple[Mapping[str, Any], ...] = ()

    @property
    def gains(self) -> list[float]:
        """The published differences, as shares of the lower row's value."""
        return [float(each["above"]) / float(each["below"]) - 1 for each in self.published]

    @property
    def claimed(self) -> str:
        """The difference in words: the range of what was read, or that nothing was."""
        if not self.published:
            return "above (no figure read)"
        metrics = " or ".join(dict.fromkeys(str(each["metric"]) for each in self.published))
        low, high = min(self.gains), max(self.gains)
        each = f"{100 * low:+.1f}" + (f" to {100 * high:+.1f}" if high > low else "")
        return f"{each} % {metrics}"


@dataclass(frozen=True)
class Finding:
    """What a run says of a claim on one data set and backbone."""

    claim: Claim
    dataset: str
    backbone: str
    above: str
    below: str
    verdict: str
    difference: float = nan
    low: float = nan
    high: float = nan
    relative: float = nan
    p: float = nan
    p_corrected: float = nan
    detectable: float = nan
    n_users: float = nan
    n_seeds: int = 0


def read_claims(path: Path = CLAIMS) -> list[Claim]:
    """The claims of a file."""
    papers = tomllib.loads(path.read_text("utf-8"))["paper"]
    every = [(paper["name"], dict(claim)) for paper in papers for claim in paper["claim"]]
    return [
        Claim(
            name,
            text=claim.pop("says"),
            backbones=tuple(claim.pop("backbones", ())),
            published=tuple(claim.pop("published", ())),
            **claim,
        )
        for name, claim in every
    ]


def findings(run: Run, claims: Sequence[Claim], metric: Metric) -> list[Finding]:
    """What the run says of every claim in each of its blocks."""
    warm_up = warm_up_rows(run)
    return [
        finding
        for block in paired(run, metric)
        for finding in _of_block(block, _rows(run, block), claims, warm_up)
    ]


def _rows(run: Run, block: Paired) -> list[Row]:
    """The rows of a block by word and objective."""
    known: dict[str, Row] = {}
    for cell, label in run.done:
        if cell.spec["dataset"] == block.dataset and label in block.names:
            word, objective, _ = combination(cell)
            known.setdefault(label, (word, objective, label))
    return [known[name] for name in block.names]


def _of_block(
    block: Paired, rows: Sequence[Row], claims: Sequence[Claim], warm_up: set[tuple[str, str, str]]
) -> list[Finding]:
    name = block.backbone.partition("(")[0]
    here = [claim for claim in claims if not claim.backbones or name in claim.backbones]
    pairs = [(claim, pair) for claim in here for pair in _pairs(claim, rows)]
    tests, at = PROCEDURE.pairwise(block), {label: place for place, label in enumerate(block.names)}
    family = list(dict.fromkeys(frozenset(pair) for _, pair in pairs))
    own = [tuple(at[label] for label in pair) for pair in family]
    corrected = dict(zip(family, holm([tests.p[i, j] for i, j in own]), strict=True))
    detectable, half = tests.detectable(PROCEDURE.alpha), tests.half_width
    covers = PROCEDURE.covers(len(block.seeds), len(block.splits))
    results = []
    for claim, (above, below) in pairs:
        i, j = at[above], at[below]
        base, d = float(block.means[j]), float(tests.difference[i, j])
        one = Finding(
            claim,
            block.dataset,
            block.backbone,
            above,
            below,
            "",
            difference=d,
            low=d - float(half[i, j]),
            high=d + float(half[i, j]),
            relative=d / base if base else nan,
            p=float(tests.p[i, j]),
            p_corrected=float(corrected[frozenset((above, below))]),
            detectable=float(detectable[i, j]),
            n_users=float(tests.parts.n_users[i, j]),
            n_seeds=len(block.seeds),
        )
        cold = [row for row in (above, below) if (block.dataset, block.backbone, row) in warm_up]
        verdict = f"not judged: {cold[0]} {WARM_UP_ONLY}" if cold else _verdict(one, covers)
        results.append(replace(one, verdict=verdict))
    run = {id(claim) for claim, _ in pairs}
    results += [
        Finding(claim, block.dataset, block.backbone, claim.above, claim.below, "not run")
        for claim in here
        if id(claim) not in run
    ]
    order = {id(claim): place for place, claim in enumerate(claims)}
    return sorted(results, key=lambda each: order[id(each.claim)])


def _pairs(claim: Claim, rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """The rows that a claim compares: of one objective, and of one setting where there are more."""
    above, below = ([r for r in rows if r[0] == word] for word in (claim.above, claim.below))
    for word, objective, label in above:
        alike = [row for row in below if row[1] == objective]
        behind = label.removeprefix(word)
        same = [row for row in alike if row[2].removeprefix(row[0]) == behind] or alike
        if claim.objective in ("", objective) and len(same) == 1:
            yield label, same[0][2]


def _verdict(one: Finding, covers: str) -> str:
    if isnan(one.p):
        return "not judged: seeds or users are missing"
    users = ", users alone" if covers == USERS_ALONE else ""
    if one.p_corrected < PROCEDURE.alpha:
        return ("confirmed" if one.difference > 0 else "contrary") + users
    return f"not told apart (least detectable {number(one.detectable)}){users}"


def frame(results: Sequence[Finding], metric: Metric) -> pd.DataFrame:
    """One line a claim and block."""
    lines = []
    for each in results:
        own = {n: v for n, v in vars(each).items() if n != "claim"}
        claim = each.claim
        gains = claim.gains or [nan]
        lines.append(
            {
                "paper": claim.paper,
                "claim": claim.text,
                "by": claim.by,
                **own,
                "metric": str(metric),
                "published_low": min(gains),
                "published_high": max(gains),
                "sources": "; ".join(dict.fromkeys(str(p["source"]) for p in claim.published)),
            }
        )
    return pd.DataFrame(lines)


def tables(run: Run, results: Sequence[Finding], metric: Metric) -> list[Table]:
    """A table a block of the claims that were run, and a sentence on those that were not."""
    label = metric_label(metric)
    columns = {
        Column("Paper", align="<"): lambda each: each.claim.paper,
        Column("claim", align="<"): lambda each: f"{each.above} > {each.below}",
        Column("published", align="<"): lambda each: each.claim.claimed,
        Column(f"{label}, diff. [95 %]"): _difference,
        Column("%"): lambda each: "-" if isnan(each.relative) else f"{100 * each.relative:+.1f}",
        Column("p Holm"): lambda each: p_cell(each.p_corrected),
        Column("verdict", align="<"): lambda each: each.verdict,
    }
    page = []
    for where in dict.fromkeys((each.dataset, each.backbone) for each in results):
        here = [each for each in results if (each.dataset, each.backbone) == where]
        done = [each for each in here if each.verdict != "not run"]
        gap = [f"{each.above} > {each.below}" for each in here if each.verdict == "not run"]
        notes = [Note("gap", f"Not run here: {', '.join(gap)}.")] if gap else []
        notes += footnotes.of_block(run, *where, "Means")
        title = f"{where[0]} · {where[1]}"
        if not done:
            page.append(Table(f"{title}: no claim has both of its rows", notes=tuple(notes)))
            continue
        rows = text_rows(columns, done)
        page.append(Table(title, tuple(columns), rows, notes=tuple(notes), squeeze=True))
    splits, sizes = max(len(run.partitions), 1), {each.n_seeds for each in results} - {0}
    words = [PROCEDURE.words(n, splits) for n in sorted(sizes)]
    test = f"Test: {'; elsewhere '.join(words)}; p Holm-corrected over the pairs of a block."
    own = "Published: the range of relative differences that were read (studies/claims.toml)."
    return [*page, Table(notes=(Note("test", test), Note("legend", own)))]


def _difference(each: Finding) -> str:
    return f"{each.difference:+.4f} [{number(each.low)}, {number(each.high)}]"


def main() -> int:
    """Print what the runs say of the claims; 2 for a folder or a metric that is none."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs, read as one")
    parser.add_argument("--metric", help="any at any K, as recall@50  [ndcg@20]")
    parser.add_argument("--format", choices=("text", "md", "csv"), default="text")
    parser.add_argument("--claims", type=Path, default=CLAIMS, help="a file of claims")
    parser.add_argument("-o", "--out", type=Path, help="write to this file")
    given = parser.parse_args()
    try:
        run = frames.open_run(given.runs)
        metric = frames.choose_metric(run, given.metric)
        results = findings(run, read_claims(given.claims), metric)
    except UserError as error:
        print(f"compare_claims: {error}", file=sys.stderr)
        return 2
    shown = frame(results, metric) if given.format == "csv" else tables(run, results, metric)
    layouts: dict[str, Callable[..., str]] = {"text": text, "md": markdown, "csv": comma_separated}
    page = layouts[given.format](shown)
    if given.out:
        write_text(given.out, page)
    else:
        print(page, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
