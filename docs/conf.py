"""Settings of Sphinx for the site that docs/build_site.py assembles and builds."""

import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

from website import autodoc_text  # noqa: E402
from website.assemble import EXTRA  # noqa: E402

from negbench.version import __version__  # noqa: E402

project, author, release = "negbench", "The negbench maintainers", __version__
html_title = f"negbench {release}"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["files", EXTRA]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
highlight_language = "text"
default_role = "literal"
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 90
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_static_path = ["website/static"]
html_css_files = ["site.css"]
html_copy_source = html_show_sphinx = html_show_copyright = False


def setup(app: Any) -> None:
    """Have docstrings read as what they are, and keep the navigation short."""
    app.connect("autodoc-process-docstring", autodoc_text.convert)
    app.connect("autodoc-process-signature", autodoc_text.signature)
    app.connect("html-page-context", own_branch, priority=400)  # before the theme's, of 500


def own_branch(app: Any, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Unfold only the reader's own folder in the navigation: 180 pages list 180 others else."""
    del app, page, template, tree
    if whole := context.get("toctree"):
        context["toctree"] = lambda **options: whole(**{**options, "collapse": True})
