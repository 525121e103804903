"""Train the missing cells of a block: the run machinery, in OUT/BLOCK/theirs and OUT/BLOCK/ours."""

from collections.abc import Sequence

from negbench.errors import UserError
from negbench.experiment.options.options import Options
from negbench.experiment.plan import Plan
from negbench.experiment.run_again import plan_of
from negbench.experiment.run_grid import Result, carry_out, check
from negbench.reproduction.experiments import Way, experiments
from negbench.reproduction.targets import Block, Target, why_not


def planned(
    block: Block, rows: Sequence[Target], protocol: str, way: Way
) -> tuple[list[Options], Plan]:
    """The options and the cells of these rows; data are loaded, or fetched, for it.

    Raises UserError if none of the rows can be run here, and DataError without the data.
    """
    asked = [options for options, _ in experiments(block, rows, protocol, way)]
    if not asked:
        reasons = dict.fromkeys(why_not(block, row) for row in rows)
        raise UserError(f"no row of {block.name} can be run here: {'; '.join(reasons)}")
    folder = way.folder(block, protocol)
    plan = plan_of(asked, folder)
    check(asked[0], plan, folder)
    return asked, plan


def train(
    block: Block,
    protocol: str,
    way: Way,
    asked: Sequence[Options],
    plan: Plan,
    *,
    command: str = "",
    bar: bool | None = None,
) -> Result:
    """Train what is missing of a plan; finished cells are kept."""
    folder = way.folder(block, protocol)
    return carry_out(asked[0], plan, folder, command=command, experiments=asked, bar=bar)
