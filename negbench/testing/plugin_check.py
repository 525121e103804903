"""Checks a plug-in file without pytest: every rule of its kind, and the place of what is wrong."""

import importlib
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from negbench.composition import objective
from negbench.data.load import load
from negbench.errors import UserError
from negbench.parts import Uniform
from negbench.plugins import registry
from negbench.plugins.kinds import KINDS
from negbench.plugins.term_syntax import Term
from negbench.protocol.interfaces import Method
from negbench.testing import CHECKS, card_checks, conforms
from negbench.testing.backbone_checks import BACKBONE_CHECKS, backbone_conforms
from negbench.testing.metric_checks import METRIC_CHECKS
from negbench.testing.probe_checks import PROBE_CHECKS
from negbench.testing.reference_checks import REFERENCE_CHECKS

CARD_CHECK = "says_what_it_is"
"""The check of what stands in CARD, Config and docstring."""


@dataclass(frozen=True)
class Finding:
    """How one check ended."""

    check: str
    wrong: str = ""
    """The rule that is broken, and the fix; empty where it is kept."""
    line: int = 0
    """Where in the file, counted from 1; 0 where it is kept."""


def check_plugin(
    path: Path, data_dir: Path | None = None, run: Callable[[], Any] | None = None
) -> Iterator[Finding]:
    """The findings on a plug-in file, check by check; its code runs.

    `run` gives the records of a run for a figure to draw; without it none is drawn. Raises
    UserError if it is no plug-in.
    """
    name = registry.add_plugin(path)
    family = registry.family_of(path)
    module = registry.load(family, name)
    config = _finding(CARD_CHECK, lambda: card_checks.config_is_plain(module), path)
    if config.wrong:  # nothing else can run
        yield config
        return
    for check, rule in _checks(family, name, module, data_dir, run).items():
        yield _finding(check, rule, path)


def _checks(
    family: str,
    name: str,
    module: ModuleType,
    data_dir: Path | None,
    run: Callable[[], Any] | None,
) -> Mapping[str, Callable[[], None]]:
    if family == "methods":
        return {check: partial(conforms, name, check) for check in CHECKS}
    if family == "backbones":
        return {check: partial(backbone_conforms, name, check) for check in BACKBONE_CHECKS}
    rules: dict[str, Callable[[], None]] = {CARD_CHECK: lambda: _says_what_it_is(family, module)}
    if family == "datasets":
        return rules | {"loads": lambda: _loads(name, data_dir)}
    if family == "objectives":
        others = [check for check in CHECKS if check != CARD_CHECK]
        return rules | {check: partial(conforms, _in_a_method(name), check) for check in others}
    if family == "figures":
        return rules | ({"draws": lambda: _draws(name, run())} if run else {})
    by_kind: Mapping[str, Mapping[str, Callable[[ModuleType], None]]] = {
        "metrics": METRIC_CHECKS,
        "references": REFERENCE_CHECKS,
        "probes": PROBE_CHECKS,
    }
    return rules | {check: partial(rule, module) for check, rule in by_kind[family].items()}


def _in_a_method(name: str) -> Callable[[], Method]:
    """A method of four uniform negatives under an objective."""
    return lambda: Method(sampler=Uniform(4), objective=objective(Term(name)))


def _draws(name: str, records: Any) -> None:
    """Its plots of a run have a name, a caption and a frame, each name once."""
    figures = importlib.import_module("negbench.analysis.figures")
    plots = list(figures.plots_of(records, [name]))
    assert plots, "`plots` must give a plot of a run with two methods and two seeds; got none"
    for plot in plots:
        assert plot.name and plot.caption.strip(), "a Plot needs a name and a caption"
    names = [plot.name for plot in plots]
    assert len(set(names)) == len(names), f"names of plots are those of files; got {names}"


def _says_what_it_is(family: str, module: ModuleType) -> None:
    card_checks.card_is_literal(module)
    if family == "datasets":
        assert hasattr(module, "Config"), "a data set needs a Config, which may be without settings"
    card_checks.config_is_plain(module)
    assert (module.__doc__ or "").strip(), "the module needs a docstring: what a line of it is"


def _loads(name: str, data_dir: Path | None) -> None:
    data = load(name, data_dir=data_dir)
    assert len(data.users), "`load` must give interactions; got none"


def _finding(check: str, run: Callable[[], None], path: Path) -> Finding:
    try:
        run()
    except AssertionError as error:
        _, _, sentence = str(error).rpartition(f"{check!r}: ")
        return Finding(check, sentence, _line(check, error, path))
    except UserError as error:  # a data set that is not at hand
        return Finding(check, str(error), _line(check, error, path))
    except Exception as error:
        sentence = f"it raises {type(error).__name__}: {error}"
        return Finding(check, sentence, _line(check, error, path))
    return Finding(check)


def _line(check: str, error: BaseException, path: Path) -> int:
    """The innermost line of the file that ran, or where what the check looks at is defined."""
    causes = [error]
    while cause := causes[-1].__cause__:
        causes.append(cause)
    for each in reversed(causes):
        frames = traceback.extract_tb(each.__traceback__)
        inside = [frame.lineno for frame in frames if Path(frame.filename) == path.resolve()]
        if inside and inside[-1]:
            return inside[-1]
    functions = tuple(f"def {kind.verb}" for kind in KINDS)
    words = ("CARD =",) if check == CARD_CHECK else functions
    lines = path.read_text("utf-8").splitlines()
    return next((at for at, line in enumerate(lines, 1) if line.startswith(words)), 1)
