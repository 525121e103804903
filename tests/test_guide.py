"""What README and guide show is run: every command, every script, every file of settings.

Commands run on tiny data and small budgets (`helpers/page_commands.py`); those of `NOT_RUN` do not
run, each for the reason that stands there, and their options are parsed.
"""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.page_blocks import blocks_of
from helpers.page_commands import FIRST, SECOND, small, small_file

from negbench.analysis.figures import KINDS
from negbench.cli import main
from negbench.plugins import registry

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md"))]
NOT_RUN = {
    "make": "the Makefile's targets are the suite itself, or minutes of training",
    "python3 -m venv": "makes an environment",
    ". .venv/": "enters it",
    "pip install": "installs packages from the network",
    "sh benchmarks/": "installs other libraries from the network",
    "python benchmarks/": "minutes of measuring beside other libraries, on data that are not ours",
    "python studies/": "reads a run of days",
    "negbench run studies/apple.toml": "trains for days, on data that are not ours",
    "negbench run --tuned embedded": "settings that hold for whole data sets and budgets",
    "negbench run -m 'hnlmrec(model=FOLDER)'": "needs a language model on disk",
    "negbench run -m random,hnlmrec": "a minute, with texts (tests/methods/test_hnlmrec.py)",
    "negbench run -m napo": "a minute of two sequence models (tests/methods/test_napo.py)",
    "negbench run -m random,dns --track": "needs tensorboard (tests/tracking)",
    "torchrun": "starts processes (tests/experiment/test_torchrun.py)",
    "negbench run -m all --engine dask": "starts a cluster (tests/experiment/test_cluster.py)",
    "negbench reproduce health-mf": "needs data that may not be passed on",
    "negbench doctor": "judges the machine, not the page",
    "negbench tune studies/reference.toml": "hours of searches (results/reference)",
    "negbench report": "half a minute of figures (tests/analysis/report)",
    "negbench plot": "seconds a figure (tests/analysis/figures)",
    "negbench tuning runs/reference": "reads the run of that search",
}
"""How a command begins -> why no test runs it as it stands."""
EXACT = ("own_data", "own_method", "audit_lists")
"""Pages whose output follows from their own files, digit by digit."""
EXIT_1 = ("--fail-on",)
"""Words that may end a command with exit code 1: the condition holds."""
LEGENDS = (
    "* better, v worse than", "Test part, K = 20.", "diff.: difference of means",
    "unbeaten, head, tail:", "Rule: chosen is", "Each system, and below it", "Trials: settings",
)  # fmt: skip
"""How sentences begin that explain an output, whatever the data are."""
BEGINNING = 80
"""Characters of such a sentence that are compared; its end may depend on the data."""


def reason(command):
    """Why a command is not run; "" where it is."""
    return next((why for start, why in NOT_RUN.items() if command.startswith(start)), "")


def plain(text):
    """Words alone: rules, spaces and numbers of an output are those of its data."""
    return re.sub(r"[\d.,]+", "#", re.sub(r"-{5,}|\s+", " ", text))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of the rows and data sets that the pages read, all of them tiny."""
    out = tmp_path_factory.mktemp("guide") / "run"
    words = ["run", "-d", f"{FIRST},{SECOND}", "-m", "random,dns,in_batch", "--seeds", "100-101"]
    words += ["--references", "most_popular,item_knn", "--epochs", "2", "--no-progress"]
    done = CliRunner().invoke(main, [*words, "-o", str(out)])
    assert done.exit_code == 0, done.output
    return out


def files_that_readers_have():
    """Files of the reader's own, by name, that pages take for given."""
    pairs = [(f"u{u}", f"i{(u * 7 + n * n) % 30}", n) for u in range(40) for n in range(12)]
    csv = "uid,sku,ts,stars\n" + "".join(f"{u},{i},{n},{3 + n % 3}\n" for u, i, n in pairs)
    given = {"my.csv": csv, "ratings.csv": csv}
    given["atomic.inter"] = "user_id:token\titem_id:token\n" + "".join(
        f"{u}\t{i}\n" for u, i, _ in pairs
    )
    by_user = {u: " ".join(i[1:] for v, i, _ in pairs if v == u) for u, _, _ in pairs}
    given["seq.txt"] = "".join(f"{items}\n" for items in by_user.values())
    given["items.csv"] = "item,genre\n" + "".join(f"i{i},{'ab'[i % 2]}\n" for i in range(30))
    (method,) = [block for block in blocks_of(ROOT / "README.md") if block.file]
    return {**given, method.file: method.code}


@pytest.fixture
def desk(page, finished, tmp_path, monkeypatch):
    """A folder with what the page takes for given: files, and runs that it reads but not makes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_plugins", {})
    for name, text in files_that_readers_have().items():
        Path(name).write_text(text)
    Path("results").symlink_to(ROOT / "results")
    commands = [c for block in blocks_of(page) if block.kind == "bash" for c in block.commands]
    asked = [run for c in commands for run in re.findall(r"(?<![\w/])runs/[\w-]+", c)]
    written = {w for c in commands for w in re.findall(r"-o (runs/[\w-]+)", c) if not reason(c)}
    for folder in {folder for folder in asked if folder not in written}:
        shutil.copytree(finished, folder)


def carry_out(command):
    """Run one command of a page; what it printed."""
    if not command.startswith("negbench "):
        subprocess.run(["bash", "-ec", command], check=True)
        return ""
    done = CliRunner().invoke(main, small(command))
    allowed = (0, 1) if any(word in command for word in EXIT_1) else (0,)
    assert done.exit_code in allowed, f"{command}\n{done.output}{done.exception!r}"
    return done.stdout


def parse(command):
    """Check the options of a command that is not run, and the script that it names."""
    words = shlex.split(command)
    if words[0] == "negbench":
        with main.commands[words[1]].make_context(words[1], words[2:]) as context:
            kinds = [word for word in context.params.get("asked", ()) if "/" not in word]
            assert words[1] != "plot" or set(kinds) <= set(KINDS), command
            return ""
    assert all((ROOT / word).is_file() for word in words if word.endswith((".py", ".sh")))
    return ""


def require_shown(shown, printed, exact):
    """The heads of shown tables, and the sentences that explain them, are those of the program."""
    if exact:
        assert [
            line for line in shown.splitlines() if line not in ("...", *printed.splitlines())
        ] == []
    lines = [plain(line).strip() for line in printed.splitlines()]
    heads = [plain(x).strip() for x in shown.splitlines() if x.startswith(("Method ", "System "))]
    assert [head for head in heads if head not in lines] == []
    for legend in re.split(r"\n(?=\S)", shown):
        if legend.startswith(LEGENDS):
            assert plain(legend)[:BEGINNING] in plain(printed), legend


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_does_what_it_shows(page, desk):
    names, printed = {}, ""
    for block in blocks_of(page):
        if block.file:
            Path(block.file).write_text(small_file(block.code))
        elif block.kind == "python":
            code = block.code.replace("seeds=3", "seeds=1, epochs=1, progress=False")
            exec(code.replace('"goodbooks"', repr(FIRST)), names)
        elif block.kind == "bash":
            for command in block.commands:
                printed = parse(command) if reason(command) else carry_out(command)
        elif printed:
            require_shown(block.code, printed, page.stem in EXACT)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_block_is_of_a_kind_that_nothing_checks(page):
    for block in blocks_of(page):
        assert block.kind in ("bash", "python", "toml", "text"), block
        assert block.kind != "toml" or block.file, block
    assert page.read_text("utf-8").count("```") == 2 * len(blocks_of(page))


def test_every_exception_is_still_needed():
    commands = [c for p in PAGES for b in blocks_of(p) if b.kind == "bash" for c in b.commands]
    for start in NOT_RUN:
        assert any(command.startswith(start) for command in commands), start
