"""What a partial run has not trained yet: a sentence for every output, so that none looks whole."""

from ..number_format import counted
from ..runs.frames import Run
from ..runs.notes import Note


def pending(run: Run) -> str:
    """One sentence; empty where every planned cell is on disk, or the plan is not recorded."""
    if not run.pending:
        return ""
    cells = counted(run.planned, "cell")
    return f"{run.pending} of {cells} pending: the run is not finished, its numbers may change."


def of_pending(run: Run) -> list[Note]:
    """The sentence as a note of a table."""
    text = pending(run)
    return [Note("pending", f"WARNING: {text}")] if text else []
