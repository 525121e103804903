"""The command as a process of its own: how it starts, how it ends, and what it imports."""

import resource
import subprocess
import sys

import pytest

HEAVY = ("torch", "pandas", "scipy", "seaborn", "matplotlib", "numpy")
PROBE = f"""
import sys
from negbench.cli import main
try:
    main(sys.argv[1:])
except SystemExit as leave:
    print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
    raise
"""


def child_seconds() -> float:
    """CPU seconds of finished children: what a busy machine beside the test does not stretch."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


@pytest.mark.parametrize("words", [["--help"], ["list"], ["run", "--help"], ["info", "dns"]])
def test_help_and_list_answer_at_once_and_import_nothing_heavy(words):
    times = []
    for _ in range(5):
        before = child_seconds()
        done = subprocess.run([sys.executable, "-c", PROBE, *words], capture_output=True, text=True)
        times.append(child_seconds() - before)
        assert done.returncode == 0 and done.stderr.strip() == "[]", done.stderr
        if times[-1] < 0.5:
            return
    raise AssertionError(f"slower than half a second five times: {times}")


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
