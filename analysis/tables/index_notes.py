"""Notes on lists that an approximate index found: how much of the exact ones is in them."""

from collections.abc import Sequence

from ..number_format import counted
from ..runs.notes import Note
from ..runs.ranked_cells import RankedCell


def of_index(cells: Sequence[RankedCell]) -> list[Note]:
    """The recall of the exact lists over the cells of a data set; nothing where ranks are exact."""
    records = [cell.record["ranking"] for cell in cells if cell.record.get("ranking")]
    if not records:
        return []
    recalls = [record["index_recall"]["test"] for record in records]
    ks = sorted({int(k) for recall in recalls for k in recall})
    shares: list[str] = []
    for k in ks:
        values = [recall[str(k)] for recall in recalls if str(k) in recall]
        span = dict.fromkeys(map(_recall, (min(values), max(values))))
        shares.append(f"@{k}{'' if shares else ' of exact lists'} {' to '.join(span)}")
    of_cells = f", lowest to highest of {counted(len(records), 'cell')}" if len(records) > 1 else ""
    users = counted(min(record["users"] for record in records), "user")
    text = (
        f"Ranked by an approximate index ({records[0]['kind']}): recall{', '.join(shares)}"
        f"{of_cells}, on {users} each; PRU and PRI need exact ranks and have no value."
    )
    return [Note("data", text)]


def _recall(value: float) -> str:
    """A recall to three decimals: one below 1 misses some item, so it is never written as 1."""
    return f"{value:.3f}" if value == 1 else min(f"{value:.3f}", "0.999")
