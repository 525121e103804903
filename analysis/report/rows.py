"""Rows of the whole page, by which its reader filters and hides them."""

from dataclasses import dataclass

from ..runs.frames import REFERENCE, Run
from ..tables.main_table_values import MainTable

NO_FAMILY = "no family"
"""Of a method whose card names none."""


@dataclass(frozen=True)
class NamedRow:
    """A row by its label, in whatever table it stands."""

    label: str
    family: str
    """The family on its card; "reference" for a reference model."""


def rows(run: Run, table: MainTable) -> list[NamedRow]:
    """Every row once, methods first, in the order in which the tables have them."""
    families = {
        row: str((cell.record.get("card") or {}).get("family") or NO_FAMILY)
        for cell, row in zip(run.cells, run.labels, strict=True)
    }
    methods = [row for block in table.blocks for row in block.methods]
    references = [row for block in table.blocks for row in block.references]
    named = {row.label: families.get(row.label, NO_FAMILY) for row in methods}
    named |= {row.label: REFERENCE for row in references}
    return [NamedRow(label, family) for label, family in named.items()]
