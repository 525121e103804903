"""Keeps the trainings of a run, small enough for a repository: one archive a row.

    python studies/keep_cells.py RUN KEPT

RUN is a folder of `negbench run` or `negbench tune`, KEPT a folder of its own; archives that are
there stay unless a row of RUN has the same name. A row is what differs by seed alone. Of each cell
its archive holds the record, the log of the epochs and of each user NDCG@20 and recall@20 by band:
enough for tables, tests, leaderboard and audit of records. It holds no lists, no ranks and no
other metric by user, so other bands, other K and the audit of lists need RUN itself.

    mkdir -p runs/kept; for row in KEPT/*.tar.xz; do tar xJf $row -C runs/kept; done

makes a run of them that `negbench table`, `compare`, `leaderboard` and the others read. The same
cells give the same bytes.
"""

import argparse
import io
import re
import tarfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from negbench.storage.atomic_write import aside
from negbench.storage.cell_store import Cell, digest, read_cells

OF_USERS = ("users", "activity", "item_counts", "item_bands")
BY_BAND = re.compile(r"(ndcg|recall)@20/.+")


def kept_files(cell: Cell) -> dict[str, bytes]:
    """The files of a cell that are kept, by path in the run."""
    folder = f"cells/{cell.folder.name}"
    arrays = {
        name: values
        for name, values in cell.users().items()
        if name in OF_USERS or BY_BAND.fullmatch(name)
    }
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]  # not compressed: the archive is, whole
    files = {f"{folder}/cell.json": (cell.folder / "cell.json").read_bytes()}
    if (epochs := cell.folder / "epochs.csv").is_file():
        files[f"{folder}/epochs.csv"] = epochs.read_bytes()
    return files | {f"{folder}/users.npz": content.getvalue()}


def row_name(cell: Cell) -> str:
    """The name of a cell's row: what it trains, and a hash of all its settings but the seed."""
    spec = cell.spec
    settings = digest({name: value for name, value in spec.items() if name != "seed"})
    return f"{spec['dataset']}-{spec['backbone']}-{spec['method']}-{settings[:6]}"


def write_row(cells: Sequence[Cell], path: Path) -> None:
    """Write the archive of a row's cells, whole or not at all."""
    temporary = aside(path)
    with tarfile.open(temporary, "w:xz", preset=9) as archive:
        for cell in cells:
            for name, content in kept_files(cell).items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    temporary.replace(path)


def main() -> None:
    """Write the archives and say how many, and how large they are."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("kept", type=Path)
    asked = parser.parse_args()
    rows: dict[str, list[Cell]] = defaultdict(list)
    for cell in sorted(read_cells(asked.run)[0], key=lambda each: each.folder.name):
        if cell.done:
            rows[row_name(cell)].append(cell)
    asked.kept.mkdir(parents=True, exist_ok=True)
    for name, cells in rows.items():
        write_row(cells, asked.kept / f"{name}.tar.xz")
    total = sum(path.stat().st_size for path in asked.kept.glob("*.tar.xz"))
    print(f"{len(rows)} rows written; {asked.kept} has {total / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
