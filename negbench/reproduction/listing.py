"""The list of blocks and rows: what was published and how chosen, what is needed, what is done."""

from collections.abc import Iterator, Sequence

from negbench.data.number_words import counted
from negbench.reproduction.comparison import Comparison, Line, comparison
from negbench.reproduction.experiments import Way
from negbench.reproduction.layouts import number
from negbench.reproduction.targets import blocks


def everything(way: Way) -> list[Comparison]:
    """All blocks with what the folder holds of them."""
    return [comparison(each, each.rows, way) for each in blocks().values()]


def lines(listed: Sequence[Comparison]) -> Iterator[str]:
    """A line for each block and one for each row."""
    rows = [line for each in listed for line in each.lines]
    width = max((len(line.row.name) for line in rows), default=0)
    for each in listed:
        block = each.block
        yield f"{block.name}   {block.title}   data {block.dataset}   {' / '.join(block.metrics)}"
        for line in each.lines:
            published = " / ".join(number(value) for value in line.row.values)
            yield f"  {line.row.name:{width}}  {published}  chosen {line.chosen:8}  {_state(line)}"
    ready = sum(not line.why for line in rows)
    yield f"{counted(len(rows), 'row')} in {counted(len(listed), 'block')}; {ready} can be run here"


def _state(line: Line) -> str:
    if line.theirs is not None or line.ours is not None:
        done = [
            f"{name} {counted(len(values), 'seed')}"
            for name, values in (("theirs", line.theirs), ("ours", line.ours))
            if values is not None
        ]
        return f"{', '.join(done)}: {line.verdict}" if line.theirs else ", ".join(done)
    if line.why:
        return f"not run: {line.why}"
    return f"needs {line.row.reference or f'{line.row.backbone}, {line.row.method}'}"
