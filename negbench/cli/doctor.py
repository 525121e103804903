"""`doctor`: checks the installation, the machine and the determinism of a small run."""

import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from negbench.cli.command import command

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
PACKAGES = "torch numpy pandas scipy matplotlib seaborn tqdm click pyyaml jinja2 pooch".split()


@command(
    examples={
        "before the first long run": "negbench doctor",
    }
)
def doctor() -> int:
    """Versions, CUDA, memory, locale, threads, write access, and a self test of a few seconds."""
    wrong = 0
    for check in (_versions, _machine, _settings, _places, _self_test):
        for good, line in _safely(check):
            click.echo(("ok     " if good else "wrong  ") + line)
            wrong += not good
    many = "1 thing is" if wrong == 1 else f"{wrong} things are"
    click.echo(f"{many} wrong" if wrong else "all is well")
    return 1 if wrong else 0


Lines = Iterator[tuple[bool, str]]


def _safely(check: Callable[[], Lines]) -> Lines:
    """Report a check that raises as a failed check."""
    try:
        yield from check()
    except Exception as error:
        yield False, f"{check.__name__.strip('_')}: {type(error).__name__}: {error}"


def _versions() -> Lines:
    yield sys.version_info >= (3, 11), f"Python {platform.python_version()} (3.11 or newer)"
    for name in ("negbench", *PACKAGES):
        try:
            yield True, f"{name} {version(name)}"
        except PackageNotFoundError:
            yield False, f"{name} is not installed; run pip install {name}"


def _machine() -> Lines:
    import torch

    yield True, f"{os.cpu_count()} cores, {torch.get_num_threads()} threads by default"
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
        yield total > 1, f"{total:.1f} GiB of memory"
    devices = range(torch.cuda.device_count())
    names = ", ".join(torch.cuda.get_device_name(number) for number in devices)
    yield True, f"CUDA: {names or 'none, cells run on the CPU'}"


def _settings() -> Lines:
    from negbench.ops import row_kernels
    from negbench.training.memory import keep_freed_memory

    words = {sys.getfilesystemencoding().lower(), (sys.stdout.encoding or "utf-8").lower()}
    yield words <= {"utf-8", "utf8"}, f"text is {' and '.join(sorted(words))} (utf-8; set LC_ALL)"
    given = [f"{name}={os.environ[name]}" for name in THREADS if name in os.environ]
    variables = f"{', '.join(given)} set; " if given else ""
    threads = "a cell runs on --threads threads, 1 by default, so its bits stay the same"
    yield True, variables + threads
    compiled = row_kernels.name() != "torch"
    faster = "" if compiled else "; pip install 'negbench[fast]' adds compiled ones"
    yield (
        not row_kernels.problem(),
        row_kernels.problem() or (f"row kernels: {row_kernels.name()}{faster}"),
    )
    kept = keep_freed_memory()
    memory = "is kept between steps" if kept else "goes back to the system: slower steps"
    yield True, f"freed memory {memory}"


def _places() -> Lines:
    import pooch

    for what, place in (("here", Path.cwd()), ("data cache", Path(pooch.os_cache("negbench")))):
        nearest = next(each for each in (place, *place.parents) if each.exists())
        free = shutil.disk_usage(nearest).free / 2**30
        yield os.access(nearest, os.W_OK), f"{what}: {place}, {free:.1f} GiB free, can be written"


def _self_test() -> Lines:
    """Two runs of one small cell must give the same bits."""
    from negbench.experiment.options.options import build
    from negbench.experiment.plan import plan

    started = time.perf_counter()
    data = "synthetic(users=200,items=100,interactions=2000,relevant=0.4)"
    chosen = build({"datasets": [data], "methods": "random", "seeds": 1, "train.epochs": 3})
    grid = plan(chosen)
    with tempfile.TemporaryDirectory() as folder:
        texts = [_once(chosen, grid, Path(folder) / name) for name in ("first", "second")]
    yield texts[0] == texts[1], "the same seed gives the same bits"
    yield len(texts[0].splitlines()) > 1, f"self test in {time.perf_counter() - started:.1f} s"


def _once(chosen: object, grid: object, out: Path) -> str:
    from negbench.experiment.run_grid import carry_out

    result = carry_out(chosen, grid, out, bar=False)  # type: ignore[arg-type]
    if result.failed:
        raise RuntimeError(result.failed[0][1])
    return (out / "results.csv").read_text("utf-8")
