"""Hash of a plug-in's source: the bytes of its file and of the modules that it imports locally.

Local is what lies beside the file, in its own package, or elsewhere on Python's path, apart from
the standard library, installed packages and negbench. Imports are read from the source and followed
in turn, so nothing is run. Line ends are normalised; a comment counts. Data files, and modules that
are imported by a computed name, are not covered.
"""

import ast
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path

_INIT = "__init__.py"
_INSTALLED = {"site-packages", "dist-packages"}


@dataclass(frozen=True)
class SourceCode:
    """The source of a plug-in at one moment."""

    digest: str
    """Twelve hex digits."""
    files: tuple[Path, ...]
    """The plug-in's file, then those of its local imports."""


def source_code(path: Path, *, packaged: bool = False) -> SourceCode:
    """The source of a plug-in's file and its local imports.

    With `packaged` the file is imported as a module of its package, and so the `__init__.py` files
    of that package are run before it and count.
    """
    files: dict[Path, str] = {path: ""}
    todo = [path]
    if packaged:
        root = _above_package(path.parent)
        parents = [each for each in path.parents if each.is_relative_to(root) and each != root]
        todo += _add(((root, each / _INIT) for each in parents), files)
    while todo:
        here = todo.pop()
        for level, module, names in _imports(_read(here)):
            todo += _add(_modules(here, level, module, names), files)
    return SourceCode(digest_of(files), tuple(files))


def digest_of(files: Mapping[Path, str]) -> str:
    """Hash of files, each with the name that it counts by; twelve hex digits."""
    total = sha256()
    for name, content in sorted((name, _read(file)) for file, name in files.items()):
        plain = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        total.update(f"{name}\n{len(plain)}\n".encode() + plain)
    return total.hexdigest()[:12]


def _add(places: Iterator[tuple[Path, Path]], files: dict[Path, str]) -> list[Path]:
    """Add new files by their place below their root, which is the same on every machine."""
    new = []
    for root, file in places:
        if file not in files and file.is_file():
            files[file] = file.relative_to(root).as_posix()
            new.append(file)
    return new


@lru_cache(maxsize=1024)
def _imports(content: bytes) -> tuple[tuple[int, str, tuple[str, ...]], ...]:
    """Level, module and names of each import of a file; none where it is not valid Python."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):  # importing it will say so
        return ()
    imports: list[tuple[int, str, tuple[str, ...]]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [(0, each.name, ()) for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            imports.append((node.level, node.module or "", tuple(x.name for x in node.names)))
    return tuple(imports)


def _modules(
    path: Path, level: int, module: str, names: tuple[str, ...]
) -> Iterator[tuple[Path, Path]]:
    """The local files that an import of the file `path` runs, each with its root."""
    parts = module.split(".") if module else []
    if level:
        folder = path.parents[min(level, len(path.parents)) - 1]
        root = _above_package(folder)
        yield root, folder / _INIT
        yield from ((root, file) for file in _below(folder, parts, names))
        return
    for root in _roots(path, parts[0]):
        yield from ((root, file) for file in _below(root, parts, names))


def _below(folder: Path, parts: list[str], names: tuple[str, ...]) -> Iterator[Path]:
    """The files of a dotted name in a folder, and of those of `names` that are modules of it."""
    for part in parts:
        yield from _file(folder, part)
        folder = folder / part
    for name in names:
        if name == "*":  # it may import any of them
            yield from sorted(folder.glob("*.py"))
        else:
            yield from _file(folder, name)


def _file(folder: Path, name: str) -> list[Path]:
    """The file of a module or a package in a folder; none where there is no such one."""
    places = (folder / name / _INIT, folder / f"{name}.py")
    return [file for file in places if file.is_file()][:1]


def _roots(path: Path, name: str) -> list[Path]:
    """The folders in which Python finds a top-level name locally: one, or those of a namespace."""
    if name == "negbench" or name in sys.stdlib_module_names:
        return []
    home = path.parent
    above = _above_package(home)
    if above != home and path.relative_to(above).parts[0] == name:
        return [above]
    if _file(home, name) and not _is_installed(home):  # a plug-in may put its folder on the path
        return [home]
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):  # a module that was made by hand
        spec = None
    if spec is None:
        return [home] if (home / name).is_dir() and not _is_installed(home) else []
    if spec.submodule_search_locations is not None:
        roots = [Path(each).parent for each in spec.submodule_search_locations]
    else:
        roots = [Path(spec.origin).parent] if spec.has_location and spec.origin else []
    return [root for root in roots if not _is_installed(root)]


def _above_package(folder: Path) -> Path:
    """The first folder from this one upwards that is no package."""
    while (folder / _INIT).is_file():
        folder = folder.parent
    return folder


def _is_installed(folder: Path) -> bool:
    """Whether a folder belongs to Python or to its installed packages."""
    inside = (folder.is_relative_to(each) for each in _python_folders())
    return bool(_INSTALLED & set(folder.parts)) or any(inside)


@cache
def _python_folders() -> tuple[str, ...]:
    known = sysconfig.get_paths()
    return tuple(known[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))


def _read(path: Path) -> bytes:
    """The content of a file; empty where it cannot be read: importing it will say so."""
    try:
        return path.read_bytes()
    except OSError:
        return b""
