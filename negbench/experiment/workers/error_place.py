"""Where an error arose, as FILE:LINE: in the user's own code if it went through it."""

import sysconfig
import traceback
from pathlib import Path
from types import FrameType

_STANDARD_LIBRARY = Path(sysconfig.get_paths()["stdlib"]).resolve()
_INSTALLED = {"site-packages", "dist-packages"}


def place(error: BaseException) -> str:
    """File and line of the innermost frame in a plug-in or other code of the user.

    Where there is none, those of the innermost frame; empty for an error that was never raised.
    """
    frames = list(traceback.walk_tb(error.__traceback__))
    if not frames:
        return ""
    own = [each for each in frames if _is_users(each[0])]
    frame, line = (own or frames)[-1]
    return f"{frame.f_code.co_filename}:{line}"


def _is_users(frame: FrameType) -> bool:
    """Whether a frame is of no part of negbench, of Python, or of an installed package."""
    name, file = str(frame.f_globals.get("__name__", "")), frame.f_code.co_filename
    if name == "negbench" or name.startswith("negbench.") or file.startswith("<"):
        return False
    path = Path(file).resolve()
    return not (path.is_relative_to(_STANDARD_LIBRARY) or _INSTALLED.intersection(path.parts))
