"""Files and folders of an export: complete or absent, and never in the place of others."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from negbench.errors import UserError
from negbench.storage.atomic_write import aside


def require_new(path: Path) -> None:
    """Raises UserError if an output is there already, or the folder around it is not."""
    if os.path.lexists(path):
        raise UserError(
            f"--out must be new, for an export replaces nothing; {path} is there; remove it or "
            "name another"
        )
    if not path.parent.is_dir():
        raise UserError(f"--out must be in a folder that is there; got {path}")


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, which gets its name when the block has ended well.

    Raises UserError if it is there already or cannot be written.
    """
    require_new(path)
    temporary = aside(path)
    try:
        with temporary.open("wb") as file:
            yield file
        temporary.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill, which gets its name when the block has ended well.

    Raises UserError if it is there already or cannot be written.
    """
    require_new(path)
    temporary = aside(path)
    try:
        temporary.mkdir()
        yield temporary
        temporary.rename(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _unwritable(path: Path, error: OSError) -> UserError:
    return UserError(f"--out must be a place that can be written; {path}: {error}")
