"""Speed of everything in one run: medians of repeats on one thread, beside the machine's bounds.

make bench                                    every part
python benchmarks/bench.py --parts draws,ranking --data ml_1m --data-dir DIR

Work is counted per CPU-second on one thread (`cpu`) and by the clock (`wall`, and `wall2` on two).
`x random` is how many times a method's positive costs that of `random` on the same backbone; `of
bound` how far it is from the best that the machine allows: 1.0 is at the bound, which is `random`'s
time and, for what is done beyond it, the vectors read, the multiply-adds, the draws and the scores
at the rates of `bounds.py`. Passes over vectors and scores between these are not in it. Rows go to
`bench.json` as they come, and the cost curves of `scale` and of `items` (catalogues of up to a
million items, 10 million with --greatest-items, by dense Adam and by rows) to `bench.png` and
`bench.items.png`.
"""

import argparse
import json
import platform
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from bounds import bounds
from curve import draw
from many_items import METHODS, many_items
from scenarios import scenario_of
from timing import on_two, rate
from work_draws import draws
from work_process import default_run, memory, start_up
from work_ranking import ranking
from work_scale import scale
from work_training import training

from negbench.plugins import registry
from negbench.training.memory import keep_freed_memory

PARTS = ("training", "draws", "ranking", "memory", "start-up", "grid", "scale", "items")


def main() -> None:
    args = arguments().parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    rows: list[dict[str, Any]] = []
    for row in measured(args):
        rows.append(row)
        sys.stdout.write(line(row) + "\n")
        sys.stdout.flush()
        record = {"machine": machine(), "rows": rows}
        args.out.write_text(json.dumps(record, indent=1) + "\n")
    for part, ending in (("scale", ".png"), ("items", ".items.png")):
        if grown := [row for row in rows if row["what"] == part]:
            draw(grown, args.out.with_suffix(ending))


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", default=",".join(PARTS), help="of " + ", ".join(PARTS))
    parser.add_argument("--data", default="ml_1m,gowalla")
    parser.add_argument(
        "--data-dir", type=Path, help="where the real data are; else of their shape"
    )
    parser.add_argument("--backbones", default="mf,lightgcn,sasrec,gru4rec")
    parser.add_argument("--methods", default="")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--one-thread", action="store_true", help="leave out the clock on two")
    parser.add_argument("--greatest", type=int, default=20_000_000, help="pairs, for scale")
    parser.add_argument("--greatest-items", type=int, default=1_000_000, help="for items")
    parser.add_argument("--out", type=Path, default=Path("bench.json"))
    return parser


def measured(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    parts = args.parts.split(",")
    methods = args.methods.split(",") if args.methods else sorted(registry.names("methods"))
    timed = partial(rate if args.one_thread else on_two, repeats=args.repeats)
    if "start-up" in parts:
        yield from start_up(args.repeats)
    for name in args.data.split(","):
        scenario = scenario_of(name, args.data_dir)
        data = {"data": scenario.interactions.name}
        best = bounds(scenario.split.n_users, scenario.split.n_items, args.repeats)
        if "draws" in parts:
            yield from ({**row, **data} for row in draws(scenario, args.repeats))
        if "ranking" in parts:
            yield from ({**row, **data} for row in ranking(scenario, best, timed))
        if "training" in parts:
            for backbone in args.backbones.split(","):
                rows = training(scenario, backbone, best, methods, timed)
                yield from ({**row, **data} for row in rows)
    if "memory" in parts:
        yield from memory("goodbooks", None)
        for name in ("ml_1m_sasrec", "gowalla") if args.data_dir else ():
            yield from memory(name, args.data_dir)
    if "grid" in parts:
        yield from default_run()
    if "scale" in parts:
        yield from scale(str(Path(__file__).parent), args.greatest)
    if "items" in parts:
        yield from many_items(args.greatest_items, 100, METHODS)


def line(row: dict[str, Any]) -> str:
    """One row of the table."""
    text = f"{row['what']:9} {row.get('data', ''):14} {row['case']:42}"
    if "cpu" in row:
        text += f" {row['cpu']:12,.0f} {row['unit']}/CPU-s"
        text += f" {row['wall2']:12,.0f}/s on 2 threads" if row.get("wall2") else ""
    for key, form in (
        ("epoch", "{:.4g} CPU-s an epoch"),
        ("against", "x random {:.2f}"),
        ("x least", "x least {:.2f}"),
        ("x exact", "x dense Adam {:.2f}"),
        ("bound", "of bound {:.2f}"),
        ("seconds", "{:.2f} s"),
        ("MiB", "{:.0f} MiB"),
        ("cells", "{} cells"),
        ("CPU-seconds inside cells", "{:.1f} CPU-s inside"),
    ):
        if key in row:
            text += "  " + form.format(row[key])
    return text + (f"  ({row['why']})" if row.get("why") and row["bound"] > 2 else "")


def machine() -> dict[str, Any]:
    return {"system": platform.platform(), "python": platform.python_version()} | {
        "torch": torch.__version__
    }


if __name__ == "__main__":
    main()
