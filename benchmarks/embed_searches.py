"""The settings that a search found, as the file that ships with the package.

python benchmarks/embed_searches.py RUN SOURCE

RUN is a folder of `negbench tune`; SOURCE says in words how it was made. Rows without a winner are
left out. The file is negbench/tuning/embedded.json: what `--tuned embedded` reads.
"""

import argparse
from importlib.resources import files
from pathlib import Path

from negbench.storage.embedded_searches import write_embedded
from negbench.storage.search_store import read_searches


def main() -> None:
    """Write the file and say what it holds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("source")
    asked = parser.parse_args()
    path = Path(str(files("negbench.tuning").joinpath("embedded.json")))
    searches = read_searches(asked.run)
    write_embedded(path, searches, asked.source)
    lost = [f"{s['dataset']} {s['row']}" for s in searches if s["winner"] is None]
    print(f"{path}: {len(searches) - len(lost)} rows; without a winner: {', '.join(lost) or '-'}")


if __name__ == "__main__":
    main()
