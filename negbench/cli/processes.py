"""Commands that torchrun may start in several processes."""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

from negbench.errors import UserError


def started_by_torchrun() -> bool:
    """Whether this is one of several processes of torchrun."""
    return "TORCHELASTIC_RUN_ID" in os.environ and os.environ.get("WORLD_SIZE", "1") != "1"


def by_one_process(command: Callable[..., int]) -> Callable[..., int]:
    """A command that several processes of torchrun would each carry out anew: it is refused there.

    Raises UserError where it is.
    """

    @wraps(command)
    def carried_out(**given: Any) -> int:
        if started_by_torchrun():
            raise UserError(
                "under torchrun `negbench run` and `resume` train with several processes; got "
                f"{command.__name__} with {os.environ['WORLD_SIZE']}; start it without torchrun, "
                "with --jobs"
            )
        return command(**given)

    return carried_out


def by_all_processes(command: Callable[..., int]) -> Callable[..., int]:
    """A command that the first of torchrun's processes carries out, helped by the others.

    Without torchrun it is the command itself, and nothing is loaded.
    """

    @wraps(command)
    def carried_out(**given: Any) -> int:
        if not started_by_torchrun():
            return command(**given)
        from negbench.experiment.workers.torchrun import follow, leading

        if os.environ["RANK"] != "0":
            return follow()
        with leading():
            return command(**given)

    return carried_out
