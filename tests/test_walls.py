"""Who may import whom, read from the source and not from a wish."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
WINGS = {"methods", "datasets", "analysis"}
METHOD_MAY = {"protocol", "parts", "errors", "texts", "ops"}
ANALYSIS_MAY = {"analysis", "errors", "ops", "plugins", "storage"}
ANALYSIS_MAY_READ = {  # which measure again what a finished run keeps, without torch
    "negbench.data.interactions",
    "negbench.evaluation.metric_kernels",
    "negbench.evaluation.metric_names",
    "negbench.evaluation.popularity_bias",
    "negbench.scenario.popularity_bands",
    "negbench.scenario.ranking_protocol",
    "negbench.scenario.rule_family",
}
QUICK = [
    "errors",
    "plugins.card",
    "plugins.registry",
    "plugins.term_syntax",
    "evaluation.metric_kernels",
    "evaluation.metric_names",
    "evaluation.popularity_bias",
    "scenario.popularity_bands",
    "storage.split_store",
    "storage.cell_store",
    "cli",
]
FLOORS = """
errors version ops
plugins
storage data
protocol tracking
parts training texts composed_method
scenario composition backbones
evaluation probes given_method
loss_module negative_sampler testing
references
experiment
tuning reproduction mining
cli
""".strip().splitlines()
"""The rooms from the ground up: a room imports from floors below its own, and from no other."""


def module_of(path):
    """The dotted name that a file is imported by."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    return parts if parts[0] == "negbench" else ("negbench", *parts)


def imported(path):
    """Every `negbench...` module that a file imports, relative imports resolved."""
    here = module_of(path) if path.name == "__init__.py" else module_of(path)[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] == "negbench")
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                base = ".".join(here[: len(here) - node.level + 1])
                yield f"{base}.{node.module}" if node.module else base
            elif node.module == "negbench":
                yield from (f"negbench.{a.name}" for a in node.names)
            elif (node.module or "").split(".")[0] == "negbench":
                yield node.module


def definitions(path):
    """(module, name) of everything that a file imports from `negbench`, followed to its file."""
    here = module_of(path) if path.name == "__init__.py" else module_of(path)[:-1]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else ()
            module = ".".join((*base, *filter(None, [node.module])))
            if module.split(".")[0] == "negbench":
                yield from (defined_in(module, alias.name) for alias in node.names)


def defined_in(module, name):
    """The module that `from module import name` ends in, through the doors of packages."""
    if file_of(f"{module}.{name}"):
        return f"{module}.{name}"
    path = file_of(module)
    if path is not None and path.name == "__init__.py":
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and name in {a.name for a in node.names}:
                return defined_in(node.module, name) if not node.level else module
    return module


def file_of(module):
    """The file of a dotted name of `negbench`; None where it is no module."""
    parts = module.split(".")[1:]
    base = ROOT if parts and parts[0] in WINGS else ROOT / "negbench"
    path = base.joinpath(*parts)
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


def reached(path):
    """Every module of `parts` that a file uses, also through other files of its own folder."""
    own = ".".join(module_of(path)[:3])
    todo, seen = [path], set()
    while todo:
        for module in definitions(todo.pop()):
            if module not in seen and (module.startswith(("negbench.parts.", own))):
                seen.add(module)
                todo.append(file_of(module))
    return seen


def files(folder):
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", files("negbench"), ids=lambda p: p.stem)
def test_the_core_imports_no_wing(path):
    wings = {name for name in imported(path) if name.split(".")[1] in WINGS}
    assert not wings


@pytest.mark.parametrize("path", files("negbench"), ids=str)
def test_rooms_import_downwards_only(path):
    floor = {room: at for at, rooms in enumerate(FLOORS) for room in rooms.split()}
    own = module_of(path)[1] if len(module_of(path)) > 1 else None
    for name in imported(path):
        room = name.split(".")[1]
        if own is not None and room != own:  # the package itself only opens doors, when asked
            assert floor[room] < floor[own], f"{own} imports {room}"


def test_every_room_has_a_floor():
    rooms = {module_of(path)[1] for path in files("negbench") if len(module_of(path)) > 1}
    assert rooms == {room for rooms in FLOORS for room in rooms.split()}


def test_a_part_is_shared_by_two_methods_or_more():
    """What one method alone reaches lives beside it, in its folder."""
    users = {}
    for path in files("methods"):
        if path.stem == "method" or path.parent == ROOT / "methods":
            for part in reached(path):
                users.setdefault(part, set()).add(module_of(path)[2:3])
    for path in files("negbench/parts"):
        if path.name != "__init__.py":
            part = ".".join(module_of(path))
            assert len(users.get(part, ())) >= 2, f"{part} serves {users.get(part)}"


@pytest.mark.parametrize("path", files("methods"), ids=lambda p: p.stem)
def test_a_method_knows_the_words_and_the_parts(path):
    own = ".".join(module_of(path)[:3]) if path.parent != ROOT / "methods" else None
    for name in imported(path):
        inside = own is not None and (name == own or name.startswith(own + "."))
        assert inside or name.split(".")[1] in METHOD_MAY, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", files("datasets"), ids=lambda p: p.stem)
def test_a_data_set_imports_no_sibling_and_no_training(path):
    for name in imported(path):
        assert name.split(".")[1] in {"data", "errors", "ops", "plugins", "protocol"}, name


@pytest.mark.parametrize("path", files("analysis"), ids=lambda p: p.stem)
def test_analysis_reads_records_and_imports_no_method(path):
    for name in imported(path):
        assert name.split(".")[1] in ANALYSIS_MAY or name in ANALYSIS_MAY_READ, name
    assert "torch" not in path.read_text("utf-8").split("import", 1)[-1].split()


def test_what_lists_and_reads_needs_no_torch():
    code = f"import sys\nfor name in {QUICK}: __import__('negbench.' + name)\n" + (
        "heavy = {'torch', 'pandas', 'seaborn', 'scipy.stats'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("folder", ["negbench", "methods", "datasets", "analysis"])
def test_no_file_outgrows_its_idea(folder):
    long = {p.name: n for p in files(folder) if (n := len(p.read_text("utf-8").splitlines())) > 300}
    assert not long


def test_no_global_randomness():
    banned = ("torch.manual_seed", "np.random.seed", "np.random.rand", "random.seed", "F.dropout")
    for folder in ("negbench", "methods", "datasets", "analysis"):
        for path in files(folder):
            if path.parent.name == "testing":
                continue  # there the global state is moved on purpose: no method may notice
            used = [word for word in banned if word in path.read_text("utf-8")]
            assert not used, f"{path} uses {used}"
