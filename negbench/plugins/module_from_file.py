"""Imports a plug-in's file as a module; another version of its source is imported anew."""

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from negbench.errors import UserError
from negbench.plugins.source_code import SourceCode

_modules: dict[Path, tuple[SourceCode, ModuleType]] = {}
"""The module of each file that was imported, and the source that it was read from."""


class _FromSource(SourceFileLoader):
    """Compiles the source each time: a .pyc is also taken for a quick edit of the same size."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def module_from_file(name: str, path: Path, version: SourceCode) -> ModuleType:
    """The module of an added file. Raises UserError if its code raises."""
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
