"""The peers side by side with negbench on the same pairs, in one run: rates and ratios.

sh benchmarks/peers/install.sh build/peers
python benchmarks/peers/compare.py --peers build/peers [--data ml_1m,gowalla] [--data-dir DIR]

Everything runs on one thread, one after the other, ours and then each peer, and all of it again in
every round: a machine that is slow for a minute is then slow for both. Rates are per CPU-second,
each the median of its repeats; what is printed is the median of the rounds, and of their ratios.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from scenarios import scenario_of  # noqa: E402

PEERS = {
    "recbole": ("recbole", "run_recbole.py"),
    "implicit": ("compiled", "run_implicit.py"),
    "cornac": ("compiled", "run_cornac.py"),
    "lenskit": ("lenskit", "run_lenskit.py"),
}
BACKBONES = "mf,mf(l2=0),lightgcn"
OURS = {
    "BPR epoch": "random on mf",
    "BPR epoch, uniform": "random on mf(l2=0)",
    "BPR epoch, popularity": "popularity on mf(l2=0)",
    "BPR epoch, DNS of 32": "dns(candidates=32) on mf(l2=0)",
    "LightGCN epoch": "random on lightgcn",
    "uniform negatives, batch by batch": "uniform, k = 1 in the loop",
    "ranking top 20, Recall and NDCG": "top 100, all ranks and metrics",
    "recommend top 20, no metrics": "top 100, all ranks and metrics",
}
"""Which of our rows does the same work: RecBole's BPR pays no L2 penalty, the others' do.

In ranking ours does more: lists of 100, every positive's rank, and all metrics by band."""
METHODS = "random,popularity,dns(candidates=32)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, default=Path("build/peers"))
    parser.add_argument("--data", default="ml_1m,gowalla")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("peers.json"))
    args = parser.parse_args()
    rows = []
    for name in args.data.split(","):
        for row in middle([row for _ in range(args.rounds) for row in compared(name, args)]):
            rows.append(row)
            sys.stdout.write(
                f"{name:8} {row['peer']:9} {row['case']:34} {row['cpu']:12,.0f} "
                f"{row['unit']}/CPU-s   negbench {row['ours']:12,.0f}   x {row['ratio']:.1f} "
                f"({min(row['ratios']):.1f} to {max(row['ratios']):.1f})\n"
            )
            sys.stdout.flush()
    args.out.write_text(json.dumps(rows, indent=1) + "\n")


def middle(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """One row for each peer and case: the medians of the rounds."""
    cases: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        cases.setdefault((row["peer"], row["case"]), []).append(row)
    for same in cases.values():
        medians = {
            key: median(row[key] for row in same) for key in ("cpu", "wall", "ours", "ratio")
        }
        yield {**same[0], **medians, "ratios": [row["ratio"] for row in same]}


def compared(name: str, args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        own = {row["case"]: row["cpu"] for row in ours(name, args, Path(folder))}
        pairs = Path(folder) / "pairs.npz"
        export(name, args.data_dir, pairs)
        for environment, script in PEERS.values():
            python = args.peers.resolve() / environment / "bin" / "python"
            if not python.exists():
                continue
            for row in lines([str(python), str(HERE / script), str(pairs)]):
                mine = own[OURS[row["case"]]]
                yield {"data": name, **row, "ours": mine, "ratio": mine / row["cpu"]}


def ours(name: str, args: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """The same work by negbench, in a process of its own."""
    out = folder / "ours.json"
    words = [sys.executable, str(HERE.parent / "bench.py"), "--parts", "training,draws,ranking"]
    words += ["--one-thread"]
    words += ["--data", name, "--backbones", BACKBONES, "--methods", METHODS]
    words += ["--out", str(out), *(["--data-dir", str(args.data_dir)] if args.data_dir else [])]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    rows: list[dict[str, Any]] = json.loads(out.read_text())["rows"]
    return rows


def export(name: str, data_dir: Path | None, path: Path) -> None:
    """The train pairs, numbered from 0."""
    train = scenario_of(name, data_dir).split.train
    shape = {"n_users": train.n_rows, "n_items": train.n_columns}
    np.savez(path, users=train.rows, items=train.indices, **shape)


def lines(words: list[str]) -> list[dict[str, Any]]:
    """The json lines that a driver prints; its other output is ignored."""
    process = subprocess.run(words, capture_output=True, text=True, cwd=HERE)
    if process.returncode:
        sys.stderr.write(process.stderr[-2000:])
    printed = [line for line in process.stdout.splitlines() if line.startswith("{")]
    return [json.loads(line) for line in printed]


if __name__ == "__main__":
    main()
