"""A real browser for tests of a page: a script behind a copy of it acts and gives back what it saw.

Chromium runs without a window and prints the page's elements, so no driver is needed.
"""

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
MISSING = "needs Chromium on the path (Debian: apt-get install chromium)"
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-default-apps",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--enable-logging=stderr",
    "--v=0",
    "--virtual-time-budget=3000",
)


@dataclass(frozen=True)
class Shown:
    """What the browser made of a page."""

    result: Any
    """The value of the test's script."""
    errors: list[str]
    """What it wrote to the console."""
    asked: list[str]
    """The addresses that it asked for."""


def browse(folder: Path, text: str, script: str = "null", *flags: str) -> Shown:
    """Open a page, run a script in it, and close the browser; `folder` is for its own files."""
    path = folder / "shown.html"
    path.write_text(_asking(text, script), "utf-8")
    log = folder / "net.json"
    files = (f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}")
    asked = [*files, "--window-size=1400,900", *flags, "--dump-dom", path.as_uri()]
    done = subprocess.run([str(CHROMIUM), *QUIET, *asked], capture_output=True, timeout=120)
    dom, console = done.stdout.decode(), done.stderr.decode(errors="replace")
    match = re.search(r'<script type="application/json" id="result">(.*?)</script>', dom, re.S)
    assert match, f"the script gave nothing back: {console[-2000:]}"
    return Shown(
        json.loads(match[1]),
        [line for line in console.splitlines() if "CONSOLE" in line],
        _asked(log),
    )


def print_pdf(folder: Path, text: str) -> Path:
    """Print a page to a pdf, as it is when it is opened."""
    path, pdf = folder / "printed.html", folder / "printed.pdf"
    path.write_text(text, "utf-8")
    files = (f"--user-data-dir={folder / 'profile'}", f"--print-to-pdf={pdf}")
    command = [str(CHROMIUM), *QUIET, *files, path.as_uri()]
    subprocess.run(command, capture_output=True, timeout=120, check=True)
    return pdf


def _asked(log: Path) -> list[str]:
    """What pages asked for; what the browser asks for on its own has no origin."""
    events = [event.get("params", {}) for event in json.loads(log.read_text("utf-8"))["events"]]
    known = [event for event in events if "url" in event and "initiator" in event]
    return [event["url"] for event in known if event["initiator"] != "not an origin"]


def _asking(text: str, script: str) -> str:
    """The page with a script behind it, which its policy allows; all else stays as it is."""
    inside = (
        "addEventListener('load', async () => {"
        f"const shown = await {script};"
        "const result = document.createElement('script');"
        "result.type = 'application/json'; result.id = 'result';"
        "result.textContent = JSON.stringify(shown).replaceAll('<', '\\\\u003c');"
        "document.body.append(result); });"
    )
    known = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
    allowed = re.sub("script-src ", f"script-src 'sha256-{known}' ", text, count=1)
    return allowed.replace("</body>", f"<script>{inside}</script></body>")


def framed(text: str, width: int) -> str:
    """The page in a frame as narrow as a phone, for no window is."""
    style = f"border: 0; width: {width}px; height: 800px"
    return f'<body><iframe style="{style}" srcdoc="{html.escape(text)}"></iframe></body>'
