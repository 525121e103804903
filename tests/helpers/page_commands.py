"""Commands of the guide as a test runs them: the same words, on tiny data and small budgets.

A reader is shown commands for real data. Here a data set's name stands for a tiny one, `all` for
two methods, no methods for one, and every budget is cut; nothing else of the words is changed.
"""

import shlex

FIRST = "synthetic(interactions=900,items=50,relevant=0.3,users=60)"
SECOND = "synthetic(interactions=900,items=50,relevant=0.3,users=70)"
SMALL = {"goodbooks": FIRST, "kuairec": SECOND}
ALL = "random,dns"
"""What `-m all` stands for."""
BUDGET = {
    "run": "--epochs 1 --seeds 1 --jobs 1 --no-progress",
    "tune": "--epochs 1 --jobs 1 --no-progress --trials 2 --finalists 1 --final-seeds 1 "
    "--test-seeds 2",
}
LONGER = {"shapley": "--epochs 3"}
"""Methods whose own phase begins after the first epoch."""
DATA, METHODS = ("-d", "--datasets", "--dataset"), ("-m", "--methods", "--method")
FILES = (".toml", "run.json")
"""Experiment files name their own data sets; a file of the guide is written with tiny ones."""


def small(command: str) -> list[str]:
    """The words of a command of negbench behind its name, cut down."""
    _, *words = shlex.split(command)
    cut = [_cut(before, word) for before, word in zip(["", *words], words, strict=False)]
    name = cut[0] if cut else ""
    in_file = any(word.endswith(FILES) for word in cut if not word.startswith("-"))
    if name in ("run", "tune") and not in_file:
        cut += [] if any(word in DATA for word in cut) else ["-d", FIRST]
        cut += [] if any(word in METHODS for word in cut) else ["-m", "random"]
    more = [words for method, words in LONGER.items() if method in cut]
    return cut + shlex.split(" ".join([BUDGET.get(name, ""), *more]))


def _cut(before: str, word: str) -> str:
    if before in DATA:
        return ",".join(SMALL.get(name, name) for name in word.split(","))
    if before in METHODS and word.split(",")[0] == "all":
        rest = word.split(",")[1:]
        return ",".join([ALL, *(name.lstrip("-") for name in rest), *rest])
    return word.removeprefix("/")


def small_file(text: str) -> str:
    """An experiment file with tiny data sets."""
    for name, tiny in SMALL.items():
        text = text.replace(f'"{name}"', f'"{tiny}"')
    return text
