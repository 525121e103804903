"""Cost of a process: start-up of the command, the default run, and peak memory."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COMMANDS = (["--help"], ["list"], ["info", "dns"])


def start_up(repeats: int) -> Iterator[dict[str, Any]]:
    """Wall seconds of the light commands, the least of repeats: a crowd only adds."""
    for words in COMMANDS:
        yield {
            "what": "start-up",
            "case": "negbench " + " ".join(words),
            "seconds": min(_seconds(words) for _ in range(repeats)),
        }


def memory(dataset: str, data_dir: Path | None) -> Iterator[dict[str, Any]]:
    """Peak of one training process on MF, two epochs."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["run", "-d", dataset, "-m", "random", "--seeds", "1", "--epochs", "2"]
        words += [
            "--no-progress",
            "-o",
            folder,
            *(["--data-dir", str(data_dir)] if data_dir else []),
        ]
        seconds = _seconds(words)
        record = json.loads(next(Path(folder).glob("cells/*/cell.json")).read_text())
        yield {
            "what": "memory",
            "case": f"negbench run, random on mf, {dataset}",
            "seconds": seconds,
            "MiB": record["peak_memory_mb"],
        }


def default_run() -> Iterator[dict[str, Any]]:
    """All methods on the embedded data, one seed, five epochs: what the grid itself costs."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["run", "-d", "goodbooks", "-m", "all", "-b", "mf", "--seeds", "1", "--epochs", "5"]
        seconds = _seconds([*words, "--jobs", "auto", "--no-progress", "-o", folder])
        records = [json.loads(p.read_text()) for p in Path(folder).glob("cells/*/cell.json")]
        inside = sum(r["seconds"]["cpu"]["total"] for r in records)
        yield {
            "what": "grid",
            "case": f"negbench {' '.join(words)}",
            "seconds": seconds,
            "cells": len(records),
            "CPU-seconds inside cells": inside,
        }


def _seconds(words: list[str]) -> float:
    """Wall seconds of a command in a process of its own."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "negbench.cli", *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start
