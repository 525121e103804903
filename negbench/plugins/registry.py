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
from collections.abc import Hashable, Iterator
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import CodeType, ModuleType

from negbench.errors import UserError, did_you_mean
from negbench.ops.file_stamp import stamp
from negbench.plugins.card import Card
from negbench.plugins.renamed_words import refuse_renamed
from negbench.plugins.source_code import SourceCode, digest_of, source_code

FAMILIES = ("methods", "datasets", "backbones", "references")
FOLDER_FILE = "method.py"
"""The file of a plug-in that is a folder; what else is in the folder serves it alone."""
_plugins: dict[tuple[str, str], Path] = {}
_versions: dict[Path, SourceCode] = {}
"""The source of each file of `_plugins` as it was last added or refreshed: its code until then."""
_modules: dict[Path, tuple[SourceCode, ModuleType]] = {}
"""The module of each file of `_plugins` that was imported, and the source that it was read from."""


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
        return _module_at(name, path, _versions.get(path) or source_code(path))
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


def code(family: str, name: str) -> str:
    """Hash of the source of a plug-in, twelve hex digits; empty where it has no file.

    Of an added file it covers local imports, of another package's plug-in its own modules, of one
    of ours its file or folder. It is of the code that this process uses: later edits do not count.
    """
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


def add_plugin(path: str | Path) -> str:
    """Register a file as a plug-in for this process and return its name; using it runs its code.

    A file that was edited since it was last added, or a local import of it, is read again.
    Raises UserError if it is no Python file, or its name is taken or no identifier.
    """
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
    """Read edited plug-ins again when they are next used: at the start of a run."""
    _versions.update({path: source_code(path) for path in _plugins.values() if path.is_file()})


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


@cache
def _scan(family: str) -> frozenset[str]:
    home = importlib.import_module(f"negbench.{family}")
    own = (m.name for m in pkgutil.iter_modules(home.__path__))
    return frozenset(name for name in own if not name.startswith("_"))


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


class _FromSource(SourceFileLoader):
    """Compiles the source each time: a .pyc is also taken for a quick edit of the same size."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def _module_at(name: str, path: Path, version: SourceCode) -> ModuleType:
    """The module of an added file; another version of its source is imported anew."""
    before = _modules.get(path)
    if before and before[0].digest == version.digest:
        return before[1]
    if before:
        _forget({*before[0].files, *version.files} - {path})
    module_name = f"negbench_plugin_{name}"
    loader = _FromSource(module_name, str(path))
    spec = importlib.util.spec_from_file_location(module_name, path, loader=loader)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # as of its local imports
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UserError(
            f"--plugin {path.name} must import; it raised {type(error).__name__}: {error}"
        ) from error
    finally:
        sys.dont_write_bytecode = writes
    _modules[path] = version, module
    return module


def _forget(files: set[Path]) -> None:
    """Drop the modules of these files, so that an import reads them again."""
    real = {file.resolve() for file in files}
    names = {file.name for file in real}
    for name, module in list(sys.modules.items()):
        own = Path(getattr(module, "__file__", None) or "")
        if own.name in names and own.resolve() in real and name != "__main__":
            del sys.modules[name]
