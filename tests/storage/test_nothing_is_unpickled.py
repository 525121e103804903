"""No file that is read can run code: no pickle, no unsafe YAML, no eval; checked in the source."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path
    for folder in ("negbench", "methods", "datasets", "analysis", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
)
BANNED = {
    "pickle.load", "pickle.loads", "pickle.Unpickler", "dill.load", "joblib.load", "marshal.loads",
    "yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load", "pd.read_pickle", "eval",
    "exec", "shelve.open", "os.system",
}  # fmt: skip


OWN = {"negbench/experiment/workers/shared_memory.py": ["pickle.loads"]}
"""Unpickled from a pipe by the own worker processes: no file holds it."""


def faults(source: str) -> list[str]:
    """The calls that may run what a file holds, by line."""
    calls = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        keywords = {each.arg: ast.unparse(each.value) for each in node.keywords}
        if name in BANNED or keywords.get("shell") == "True":
            calls.append(f"{node.lineno}: {name}")
        if name in ("np.load", "numpy.load") and keywords.get("allow_pickle") != "False":
            calls.append(f"{node.lineno}: {name} without allow_pickle=False")
        if name == "torch.load" and keywords.get("weights_only") != "True":
            calls.append(f"{node.lineno}: {name} without weights_only=True")
    return calls


def test_no_file_of_ours_runs_what_it_reads():
    assert len(FILES) > 200
    wrong = {str(path.relative_to(ROOT)): faults(path.read_text("utf-8")) for path in FILES}
    called = {p: [each.split()[-1] for each in lines] for p, lines in wrong.items() if lines}
    assert called == OWN


@pytest.mark.parametrize(
    "source",
    [
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "numpy.load(path)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "pickle.load(file)",
        "yaml.load(text)",
        "eval(text)",
        "subprocess.run(text, shell=True)",
    ],
)
def test_each_of_these_would_be_found(source):
    assert faults(source)


def test_these_are_allowed():
    source = "np.load(p, allow_pickle=False)\ntorch.load(p, weights_only=True)\nyaml.safe_load(t)"
    assert faults(source) == []
