"""Registry of plug-ins by name. A plug-in is one file, or a folder with a `method.py`; the name of
the file or folder is its name everywhere.

Listing reads the files' source and imports none of them, so it needs no torch. Other packages add
theirs by the entry points `negbench.methods`, `negbench.datasets` and `negbench.backbones`;
`--plugin FILE` adds one file for one command.
"""

import ast
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Iterator
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import CodeType, ModuleType

from negbench.errors import UserError, did_you_mean
from negbench.ops.file_stamp import Stamp, stamp
from negbench.plugins.card import Card
from negbench.plugins.renamed_words import refuse_renamed

FAMILIES = ("methods", "datasets", "backbones", "references")
FOLDER_FILE = "method.py"
"""The file of a plug-in that is a folder; what else is in the folder serves it alone."""
_plugins: dict[tuple[str, str], Path] = {}
_versions: dict[Path, Stamp] = {}
"""The stamp of each file of `_plugins` when it was last added or refreshed: its code until then."""


def names(family: str) -> list[str]:
    """Sorted names of all plug-ins of a family, without importing any.

    Raises UserError if another package has a plug-in of the same name.
    """
    ours = _scan(family)
    theirs = {e.name for e in _entry_points(family)}
    if clash := sorted(ours & theirs):
        raise UserError(
            f"plug-in names must be unique, but {', '.join(clash)} stand in {family} and in "
            "another package; uninstall or rename one"
        )
    files = {name for kind, name in _plugins if kind == family}
    return sorted(ours | theirs | files)


def load(family: str, name: str) -> ModuleType:
    """Import a plug-in's module by name; an unknown name is refused with similar known ones."""
    require(family, name)
    if path := _plugins.get((family, name)):
        return _module_at(name, path, _version(path))
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
    home = importlib.import_module(f"negbench.{family}")
    files = (
        f for d in home.__path__ for f in (Path(d) / f"{name}.py", Path(d) / name / "method.py")
    )
    return next((file for file in files if file.is_file()), None)


def read_card(path: Path) -> Card:
    """The card of a file, from the literals of `CARD = Card(...)`.

    Raises UserError if the file has none, or if it is not of literals.
    """
    return _card_at(path, _version(path))


@cache
def _card_at(path: Path, version: Stamp) -> Card:
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


def add_plugin(path: str | Path) -> str:
    """Register a file as a plug-in for this process and return its name; using it runs its code.

    A file that was edited since it was last added is read again.
    Raises UserError if it is no Python file, or its name is taken or no identifier.
    """
    path = Path(path).resolve()
    if not path.is_file() or path.suffix != ".py":
        raise UserError(f"--plugin must be a Python file; got {path}; give the path of one")
    _versions[path] = stamp(path)
    name = path.stem
    if not name.isidentifier():
        raise UserError(
            f"a plug-in's file name is its name and must be a Python name; got {name!r}"
        )
    family = family_of(path)
    if name in _scan(family):
        raise UserError(f"{family} already has {name!r}; rename {path.name}")
    _plugins[family, name] = path
    return name


def family_of(path: Path) -> str:
    """The family of a plug-in file: data sets define `load`, backbones and methods `build`.

    Raises UserError if the file defines neither or is not valid Python.
    """
    try:
        tree = ast.parse(path.read_text("utf-8"))
    except SyntaxError as error:
        raise UserError(
            f"--plugin must be valid Python; {path.name} line {error.lineno}: {error.msg}"
        ) from error
    defined = set(_defined(tree))
    if "load" in defined:
        return "datasets"
    if "build" not in defined:
        raise UserError(f"a plug-in must define build(config) or load(config, cache); see {path}")
    return "backbones" if read_card(path).family == "backbone" else "methods"


def refresh() -> None:
    """Read plug-ins whose file was edited again when they are next used: at the start of a run."""
    _versions.update({path: stamp(path) for path in _plugins.values() if path.is_file()})


def is_packaged(family: str, name: str) -> bool:
    """Whether a plug-in is one of negbench's own."""
    return name in _scan(family)


def plugins() -> tuple[str, ...]:
    """Paths of the registered files, for worker processes to register too."""
    return tuple(str(path) for path in _plugins.values())


def _defined(tree: ast.Module) -> Iterator[str]:
    """Names of a module's functions and assigned variables."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (name.id for name in node.targets if isinstance(name, ast.Name))


def _scan(family: str) -> set[str]:
    home = importlib.import_module(f"negbench.{family}")
    return {m.name for m in pkgutil.iter_modules(home.__path__) if not m.name.startswith("_")}


@cache
def _entry_points(family: str) -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=f"negbench.{family}"))


def _version(path: Path) -> Stamp:
    """The stamp that an added file was last read under; of another file, its stamp now."""
    return _versions.get(path) or stamp(path)


class _FromSource(SourceFileLoader):
    """Compiles the source each time: a .pyc is also taken for a quick edit of the same size."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


@cache
def _module_at(name: str, path: Path, version: Stamp) -> ModuleType:
    del version
    module_name = f"negbench_plugin_{name}"
    loader = _FromSource(module_name, str(path))
    spec = importlib.util.spec_from_file_location(module_name, path, loader=loader)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UserError(
            f"--plugin {path.name} must import; it raised {type(error).__name__}: {error}"
        ) from error
    return module
