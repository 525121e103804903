"""Soak test: a grid that is killed repeatedly must end with the results of an undisturbed one.

python benchmarks/soak.py [--cells 500] [--every 1,5] [--jobs 2] [--seed 0]

The command is started, killed with SIGKILL (it and its workers) at a random moment, and started
again until it ends by itself. The moment counts from the first cell that this start has finished,
so that a slow machine gets on too; one in five counts from the start itself. Then every cell is
compared with those of a run without kills: all that is not a time must be the same, byte for byte
in results.csv. Exit code 1 if anything differs.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from negbench.storage import cell_store

DATA = "synthetic(users=60,items=100,interactions=1200,relevant=0.4)"
METHODS = ("random", "dns", "popularity", "mixed", "in_batch")


def command(out: Path, cells: int, jobs: int) -> list[str]:
    words = ["run", "-d", DATA, "-m", ",".join(METHODS), "--seeds", str(cells // len(METHODS))]
    words += ["--epochs", "3", "--dim", "8", "-j", str(jobs), "--no-progress", "-q"]
    return [sys.executable, "-m", "negbench.cli", *words, "-o", str(out)]


def start(words: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def stamps(out: Path) -> dict[str, int]:
    """The finished cells and when each was written."""
    return {str(path): path.stat().st_mtime_ns for path in out.glob("cells/[!.]*/cell.json")}


def killed(words: list[str], out: Path, shortest: float, longest: float) -> tuple[int, int, int]:
    """Kill until it ends: kills, cells that were under way or half written, leftovers met."""
    kills = leftovers = 0
    while True:
        running, before = start(words), stamps(out)
        if random.random() > 0.2:
            while running.poll() is None and stamps(out) == before:
                time.sleep(0.02)
        try:
            code = running.wait(random.uniform(shortest, longest))
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
            kills += 1
            leftovers += len(list((out / "cells").glob(".*")))
            done = len(list((out / "cells").glob("[!.]*")))
            sys.stdout.write(f"kill {kills}: {done} cells\n")
            sys.stdout.flush()
            continue
        return kills, leftovers, code


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=500)
    parser.add_argument("--every", default="1,5", help="shortest and longest seconds to a kill")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    random.seed(args.seed)
    shortest, longest = (float(word) for word in args.every.split(","))
    with tempfile.TemporaryDirectory() as folder:
        out, quiet = Path(folder) / "killed", Path(folder) / "quiet"
        began = time.perf_counter()
        kills, leftovers, code = killed(command(out, args.cells, args.jobs), out, shortest, longest)
        spent = time.perf_counter() - began
        subprocess.run(command(quiet, args.cells, args.jobs), check=True, capture_output=True)
        alike = (out / "results.csv").read_bytes() == (quiet / "results.csv").read_bytes()
        cells, damaged = cell_store.read_cells(out)
        whole = {
            cell.folder.name: cell.record["metrics"] for cell in cell_store.read_cells(quiet)[0]
        }
        wrong = [c.folder.name for c in cells if c.record["metrics"] != whole.get(c.folder.name)]
        sys.stdout.write(
            f"{kills} kills in {spent:.0f} s, exit code {code} at the end; {len(cells)} cells, "
            f"{len(damaged)} damaged, {len(wrong)} other than in a quiet run, {leftovers} half "
            f"written ones met and redone; results.csv {'the same' if alike else 'DIFFERENT'}\n"
        )
        return 0 if alike and not damaged and not wrong and not code else 1


if __name__ == "__main__":
    sys.exit(main())
