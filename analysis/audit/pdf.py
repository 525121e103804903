"""A page as PDF, printed by a browser without a window.

A page of words and tables is set best by a browser, most machines have one, and no library is
needed for it. Without one the HTML page prints from any browser by hand.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from negbench.errors import UserError, shown

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
    "microsoft-edge",
    "brave-browser",
)
APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
SECONDS = 120


def browser() -> str | None:
    """A browser that can print; None without one."""
    named = (shutil.which(name) for name in BROWSERS)
    installed = (path for path in APPLICATIONS if Path(path).is_file())
    return next((path for path in (*named, *installed) if path), None)


def pdf_bytes(html: str) -> bytes:
    """The page as PDF.

    Raises UserError if no browser is there, or it does not print.
    """
    program = browser()
    if program is None:
        raise UserError(
            "a PDF is printed by a browser, as chromium or google-chrome; none is on the PATH; "
            "write -o page.html and print that from any browser"
        )
    with tempfile.TemporaryDirectory() as name:
        page, out = Path(name) / "page.html", Path(name) / "page.pdf"
        page.write_text(html, "utf-8")
        words = [program, "--headless", "--disable-gpu", "--no-pdf-header-footer"]
        words += [f"--user-data-dir={name}/profile", f"--print-to-pdf={out}", page.as_uri()]
        if hasattr(os, "geteuid") and os.geteuid() == 0:  # it refuses to run as root otherwise
            words.insert(1, "--no-sandbox")
        try:
            done = subprocess.run(words, capture_output=True, timeout=SECONDS, check=False)
            reason = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        except (OSError, subprocess.TimeoutExpired) as error:
            reason = [str(error)]
        if not out.is_file() or not out.stat().st_size:
            raise UserError(
                f"a PDF is printed by a browser, and {program} did not print "
                f"({shown(' '.join(reason))}); write -o page.html and print that from any browser"
            )
        return out.read_bytes()
