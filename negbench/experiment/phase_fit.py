"""Whether a budget reaches each method's own phase: said before any training, not after it."""

from collections.abc import Sequence

from negbench.errors import UserError
from negbench.experiment.cell.spec import CellSpec
from negbench.protocol.interfaces import Phase
from negbench.storage.training_end import WARM_UP_ONLY


def require_a_phase(specs: Sequence[CellSpec]) -> tuple[str, ...]:
    """One sentence for each method that the budget never lets begin; its cells are run and marked.

    Raises UserError if that holds for all methods: nothing would be what its name says.
    """
    methods = {spec.method: spec for spec in specs if not spec.is_reference}
    late = {method: phase for method, spec in methods.items() if (phase := unreached(spec))}
    if not late:
        return ()
    epochs = next(iter(methods.values())).train.epochs
    lines = [
        f"{method}: its own phase ({phase.name}) begins in epoch {phase.begins}, the budget ends "
        f"at {epochs}"
        for method, phase in late.items()
    ]
    if len(late) == len(methods):
        raise UserError(
            f"--epochs must reach a method's own phase; {lines[0]}; take --epochs "
            f"{min(phase.begins for phase in late.values())} or more, or a shorter warm-up"
        )
    return tuple(f"{line}: {WARM_UP_ONLY}" for line in lines)


def unreached(spec: CellSpec) -> Phase | None:
    """The phase of a cell's method where the epochs end before it; None where all is reached."""
    phase = spec.recipe.build().own_phase
    return phase if phase is not None and phase.begins > spec.train.epochs else None
