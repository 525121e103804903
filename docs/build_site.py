"""Build the documentation site: python docs/build_site.py [FOLDER], by default build/site.

The Markdown is assembled in build/site-source (or FOLDER-source), then Sphinx builds it; every
warning is an error. The pages need no network and open from the disk.
"""

import sys
from pathlib import Path

from sphinx.cmd.build import build_main
from website.assemble import DOCS, EXTRA, ROOT, assemble


def build(folder: Path) -> int:
    """Build the site into a folder; 0 if there was no warning."""
    source, kept = (folder.with_name(f"{folder.name}-{word}") for word in ("source", "doctrees"))
    assemble(source)
    options = ["--fail-on-warning", "--keep-going", "--quiet", "--conf-dir", str(DOCS)]
    if (source / EXTRA).is_dir():
        options += ["--define", f"html_extra_path={source / EXTRA}", "--tag", "leaderboard"]
    return build_main([*options, "--doctree-dir", str(kept), str(source), str(folder)])


if __name__ == "__main__":
    site = Path(sys.argv[1]).resolve() if sys.argv[1:] else ROOT / "build" / "site"
    failed = build(site)
    print(f"{'with errors' if failed else 'built'}: {site / 'index.html'}")
    sys.exit(failed)
