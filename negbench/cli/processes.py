"""Commands that torchrun may start in several processes."""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any


def by_all_processes(command: Callable[..., int]) -> Callable[..., int]:
    """A command that the first of torchrun's processes carries out, helped by the others.

    Without torchrun it is the command itself, and nothing is loaded.
    """

    @wraps(command)
    def carried_out(**given: Any) -> int:
        many = "TORCHELASTIC_RUN_ID" in os.environ and os.environ.get("WORLD_SIZE", "1") != "1"
        if not many:
            return command(**given)
        from negbench.experiment.workers.torchrun import follow, leading

        if os.environ["RANK"] != "0":
            return follow()
        with leading():
            return command(**given)

    return carried_out
