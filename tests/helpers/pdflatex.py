"""Compiles LaTeX in a test where pdflatex is here."""

import shutil
import subprocess
from pathlib import Path

import pytest

needs_pdflatex = pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="no pdflatex here: apt-get install texlive-latex-base"
)


def compiled(folder: Path, body: str, options: str = "") -> str:
    """The log of an article of this body; the test fails if LaTeX stops at an error."""
    start = f"\\documentclass[{options}]{{article}}\n\\usepackage{{booktabs}}\n"
    text = f"{start}\\begin{{document}}\n{body}\\listoftables\n\\end{{document}}\n"
    (folder / "t.tex").write_text(text, "utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    for _ in range(2):  # the list of tables is read the second time
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=120)
        log = done.stdout.decode("utf-8", "replace")
        assert done.returncode == 0, log[-2000:]
    assert "Missing character" not in log
    return log
