"""The command as a process of its own: how it starts, how it ends, and what it imports."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "pandas", "scipy", "seaborn", "matplotlib", "numpy")
MODULES = 300
"""About 245 with Python 3.11, most of them Python's own and click's."""
PROBE = f"""
import sys
from negbench.cli import main
try:
    main(sys.argv[1:])
except SystemExit as leave:
    print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
    print(len(sys.modules), file=sys.stderr)
    raise
"""


@pytest.mark.parametrize("words", [["--help"], ["list"], ["run", "--help"], ["info", "dns"]])
def test_help_and_list_import_nothing_heavy_and_little_else(words):
    """How fast they answer hangs on the machine (benchmarks), and what they import does not."""
    done = subprocess.run([sys.executable, "-c", PROBE, *words], capture_output=True, text=True)
    heavy, modules = done.stderr.strip().splitlines()
    assert done.returncode == 0 and heavy == "[]", done.stderr
    assert int(modules) < MODULES


@pytest.mark.parametrize(
    "words, code", [(["--version"], 0), (["nonsense"], 2), (["table", "no"], 4)]
)
def test_exit_codes_of_the_real_command(words, code):
    done = subprocess.run([sys.executable, "-m", "negbench.cli", *words], capture_output=True)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr


def test_a_reader_that_leaves_early_is_no_crash():
    line = f"'{sys.executable}' -m negbench.cli list --json | head -c 10"
    done = subprocess.run(line, shell=True, capture_output=True)
    assert done.stderr == b""
