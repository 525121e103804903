"""Registry of plug-ins by name. A plug-in is one file, or a folder with a `method.py`; the name of
the file or folder is its name everywhere.

Listing reads the files' source and imports none of them, so it needs no torch. Other packages add
theirs by the entry points `negbench.methods`, `negbench.metrics` and so on, one for each of the
eight kinds; `--plugin FILE` adds one file for one command.
"""

import ast
import importlib
import importlib.util
from collections.abc import Callable, Hashable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from negbench.errors import UserError, did_you_mean
from negbench.ops.file_stamp import stamp
from negbench.plugins.built_in import built_in
from negbench.plugins.card import Card
from negbench.plugins.given_function import GivenFunction
from negbench.plugins.kinds import functions_of, kind_of, parsed
from negbench.plugins.module_from_file import module_from_file
from negbench.plugins.renamed_words import refuse_renamed
from negbench.plugins.source_code import SourceCode, digest_of, source_code

FAMILIES = ("methods", "datasets", "backbones", "references")
"""Families whose built-ins are files too, each with a card."""
FOLDER_FILE = "method.py"
"""The file of a plug-in that is a folder; what else is in the folder serves it alone."""
Plugin = str | GivenFunction
"""What a worker process is told of a plug-in: the path of its file, or its function."""
_plugins: dict[tuple[str, str], Path] = {}
_functions: dict[str, GivenFunction] = {}
"""Methods that were given as functions, by name."""
_versions: dict[Path, SourceCode] = {}
"""The source of each file of `_plugins` as it was last added or refreshed: its code until then."""


def names(family: str) -> list[str]:
    """Sorted names of all plug-ins of a family, without importing any.

    Raises UserError if another package has a plug-in of the same name.
    """
    ours = built_in(family)
    theirs = {e.name for e in _entry_points(family)}
    if clash := sorted(ours & theirs):
        raise UserError(
            f"plug-in names must be unique, but {', '.join(clash)} stand in {family} and in "
            "another package; uninstall or rename one"
        )
    files = {name for kind, name in _plugins if kind == family}
    functions = set(_functions) if family == "methods" else set()
    return sorted(ours | theirs | files | functions)


def added(family: str) -> list[str]:
    """Sorted names of the plug-ins of a family that are not negbench's own."""
    return sorted(set(names(family)) - built_in(family))


def load(family: str, name: str) -> ModuleType:
    """Import a plug-in's module by name; an unknown name is refused with similar known ones."""
    require(family, name)
    if family == "methods" and name in _functions:
        return _functions[name].module()
    if path := _plugins.get((family, name)):
        return module_from_file(name, path, _versions.get(path) or source_code(path))
    for entry in _entry_points(family):
        if entry.name == name:
            module: ModuleType = entry.load()
            return module
    inside = ".method" if (path := source(family, name)) and path.name == FOLDER_FILE else ""
    return importlib.import_module(f"negbench.{family}.{name}{inside}")


def require(family: str, name: str) -> None:
    """Raises UserError, with similar names, if no plug-in of the family has this name."""
    known = names(family)
    if name not in known:
        raise UserError(f"{family} must be known names; got {name!r}; {did_you_mean(name, known)}")


def card(family: str, name: str) -> Card:
    """The card of a plug-in, read from its source without importing it."""
    require(family, name)
    path = source(family, name)
    if path is None:
        imported: Card = load(family, name).CARD
        return imported
    return read_card(path)


def docstring(family: str, name: str) -> str:
    """The module docstring of a plug-in, read from its source if it has one."""
    path = source(family, name)
    if path is None:
        return load(family, name).__doc__ or ""
    return ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""


def source(family: str, name: str) -> Path | None:
    """Path of a plug-in's source file; None for an entry point that is no module."""
    if path := _plugins.get((family, name)):
        return path
    for entry in _entry_points(family):
        if entry.name == name:
            spec = importlib.util.find_spec(entry.module)
            return Path(spec.origin) if spec and spec.origin and not entry.attr else None
    if family not in FAMILIES:
        return None
    home = importlib.import_module(f"negbench.{family}")
    files = (
        f for d in home.__path__ for f in (Path(d) / f"{name}.py", Path(d) / name / "method.py")
    )
    return next((file for file in files if file.is_file()), None)


def code(family: str, name: str) -> str:
    """Hash of the source of a plug-in, twelve hex digits; empty where it has no file.

    Of an added file it covers local imports, of another package's plug-in its own modules, of one
    of ours its file or folder. It is of the code that this process uses: later edits do not count.
    """
    if family == "methods" and name in _functions:
        return _functions[name].digest
    if path := _plugins.get((family, name)):
        return (_versions.get(path) or source_code(path)).digest
    ours = is_packaged(family, name)
    path = source(family, name) if ours else _file_of_entry(family, name)
    return _installed_code(path, ours) if path else ""


def read_card(path: Path) -> Card:
    """The card of a file, from the literals of `CARD = Card(...)`.

    Raises UserError if the file has none, or if it is not of literals.
    """
    added = _versions.get(path)
    return _card_at(path, added.digest if added else stamp(path))


@cache
def _card_at(path: Path, version: Hashable) -> Card:
    del version
    tree = ast.parse(path.read_text("utf-8"))
    refuse_renamed(tree, path)
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "CARD" for t in node.targets
        ):
            return _card_of(node.value, path)
    raise UserError(f"a plug-in must hold `CARD = Card(title=...)`; {path} does not; add one")


def _card_of(node: ast.expr, path: Path) -> Card:
    try:
        if not isinstance(node, ast.Call) or node.args:
            raise ValueError("give every field by name")
        return Card(**{str(k.arg): ast.literal_eval(k.value) for k in node.keywords})
    except (ValueError, TypeError) as error:
        raise UserError(f"the CARD of {path} must be `Card(...)` of literals: {error}") from error


def add_function(build: Callable[[], Any] | GivenFunction) -> str:
    """Register a function that builds a method for this process and return its name.

    Raises UserError if its name is taken, or its cells could not be known by its source.
    """
    given = build if isinstance(build, GivenFunction) else GivenFunction.of(build)
    if given.name in built_in("methods") or ("methods", given.name) in _plugins:
        raise UserError(f"methods already has {given.name!r}; rename the function")
    before = _functions.get(given.name)
    if before is not None and before.place != given.place:  # one that was loaded anew replaces it
        raise UserError(f"two functions are called {given.name!r}; rename one")
    _functions[given.name] = given
    return given.name


def add_plugin(path: str | Path | GivenFunction) -> str:
    """Register a file as a plug-in for this process and return its name; using it runs its code.

    A file that was edited since it was last added, or a local import of it, is read again.
    Raises UserError if it is no Python file, or its name is taken or no identifier.
    """
    if isinstance(path, GivenFunction):
        return add_function(path)
    path = Path(path).resolve()
    if not path.is_file() or path.suffix != ".py":
        raise UserError(f"--plugin must be a Python file; got {path}; give the path of one")
    _versions[path] = source_code(path)
    name = path.stem
    if not name.isidentifier():
        raise UserError(
            f"a plug-in's file name is its name and must be a Python name; got {name!r}"
        )
    family = family_of(path)
    if name in built_in(family):
        raise UserError(f"{family} already has {name!r}; rename {path.name}")
    for key in [key for key, file in _plugins.items() if file == path]:  # it may be of another kind
        del _plugins[key]
    _plugins[family, name] = path
    return name


def family_of(path: Path) -> str:
    """The family of a plug-in file: by its function `load`, else by the `family` of its card.

    Raises UserError if it is not valid Python, has no card, or lacks the function of its kind.
    """
    tree = parsed(path)
    functions = functions_of(tree)
    if not functions:
        raise UserError(
            "a plug-in must define build, load, values or plots, as `negbench new KIND NAME` "
            f"writes it; {path} does not"
        )
    card = None if functions == {"load"} else read_card(path)
    return kind_of(tree, card.family if card else "dataset", path).family


def refresh() -> None:
    """Read edited plug-ins again when they are next used: at the start of a run."""
    _versions.update({path: source_code(path) for path in _plugins.values() if path.is_file()})


def is_packaged(family: str, name: str) -> bool:
    """Whether a plug-in is one of negbench's own."""
    return name in built_in(family)


def plugins() -> tuple[Plugin, ...]:
    """The registered files and functions, for worker processes to register too."""
    return (*map(str, _plugins.values()), *_functions.values())


@cache
def _entry_points(family: str) -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=f"negbench.{family}"))


def _file_of_entry(family: str, name: str) -> Path | None:
    """The file of the module that another package's entry point names."""
    module = next((entry.module for entry in _entry_points(family) if entry.name == name), None)
    spec = importlib.util.find_spec(module) if module else None
    return Path(spec.origin) if spec and spec.has_location and spec.origin else None


@cache
def _installed_code(path: Path, ours: bool) -> str:
    """The hash of an installed file's source when this process first asked for it."""
    if not ours:
        return source_code(path, packaged=True).digest
    inside = sorted(path.parent.rglob("*.py")) if path.name == FOLDER_FILE else [path]
    return digest_of({file: file.relative_to(path.parent).as_posix() for file in inside})
