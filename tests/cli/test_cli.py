"""The command line: what is printed where, the exit codes, and how quickly it answers."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from negbench.cli import main
from negbench.plugins import registry

DATA = "synthetic(users=60,items=100,interactions=1200,relevant=0.4)"
RUN = ["run", "-d", DATA, "--epochs", "2", "--model", "mf(dim=8)"]
MINE = '''"""Negatives that the user likes least: of M uniform draws the one scored lowest."""

from negbench.parts import BPR, Uniform
from negbench.protocol import Card, Method

CARD = Card(title="Easiest of M", family="mine", moves=("stages",), provenance="ours")


class Lowest:
    def apply(self, step, negatives):
        return negatives.take(step.scores_no_grad(negatives).argmin(1, keepdim=True))


def build(config):
    return Method(sampler=Uniform(8), stages=(Lowest(),), objective=BPR())
'''


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    """Every test in its own folder, and without the plug-ins of the others."""
    monkeypatch.setattr(registry, "_plugins", {})
    monkeypatch.chdir(tmp_path)


def call(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """One small finished run, for the commands that read."""
    out = tmp_path_factory.mktemp("finished") / "run"
    words = [*RUN, "-m", "random,dns", "--seeds", "2", "--references", "most_popular"]
    result = call(*words, "-o", out)
    assert result.exit_code == 0, result.output
    return out, result


def test_a_run_says_on_what_ground_it_stands_and_ends_in_a_table(finished):
    out, result = finished
    shown = result.stdout
    for word in (
        "negbench 0",
        "data   synthetic",
        "60 users",
        "split  truth",
        "hash",
        "bands  mass",
    ):
        assert word in shown
    assert "negatives exclude: train" in shown
    assert "1 data set x 1 backbone x 2 methods x 2 seeds + 1 reference = 5 cells" in shown
    assert "most_popular" in shown and "NDCG@20" in shown
    assert f"negbench report {out}" in shown
    assert "[5/5]" in result.stderr and "[5/5]" not in shown
    assert json.loads((out / "run.json").read_text())["options"]["seeds"] == [0, 1]


def test_the_first_thing_under_the_table_s_title_is_whether_references_are_beaten(finished):
    text = finished[1].stdout.partition("· mf")[2].partition("Method ")[0]
    first = " ".join(text.split())
    assert "most_popular" in first and ("No method is" in first or "ranks best" in first), first


def test_quiet_leaves_the_table_alone(finished):
    out, _ = finished
    result = call(*RUN, "-m", "random,dns", "--seeds", "2", "-o", out, "-q")
    assert result.stdout.startswith("synthetic") and result.stderr == ""


def test_the_same_command_again_and_resume_do_nothing_anew(finished):
    out, _ = finished
    before = {path: path.stat().st_mtime_ns for path in out.glob("cells/*/cell.json")}
    assert (
        "4 of them there already" in call(*RUN, "-m", "dns,random", "--seeds", 2, "-o", out).output
    )
    assert call("resume", out).exit_code == 0
    assert before == {path: path.stat().st_mtime_ns for path in out.glob("cells/*/cell.json")}


def test_warnings_are_told(tmp_path):
    result = call(*RUN, "-m", "random", "--seeds", "1", "--exclude", "all", "-o", "x", "--dry-run")
    assert "ORACLE" in result.stdout and "1 seed" in result.stdout


def test_a_dry_run_measures_a_step_and_writes_nothing(tmp_path):
    result = call(*RUN, "-m", "random,dns", "--references", "most_popular", "--dry-run")
    assert result.exit_code == 0, result.output
    assert "= 11 cells, 11 to do" in result.stdout and "ms/step" in result.stdout
    assert "nothing was written" in result.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [["run"], ["tune", "--trials", 2]])
def test_the_exit_code_of_a_dry_run_tells_that_a_row_would_fail(tmp_path, command):
    words = [*command, *RUN[1:], "--epochs", 9, "--dry-run", "-m"]
    result = call(*words, "random,adar+divns")
    assert result.exit_code == 1, result.output
    assert "adar+divns: divns needs negatives that are items" in result.stdout
    assert "nothing was written" in result.stdout and list(tmp_path.iterdir()) == []
    assert call(*words, "random").exit_code == 0


def test_a_file_options_and_overrides_in_rising_order(tmp_path):
    Path("e.toml").write_text(
        f'name = "mine"\ndatasets = ["{DATA}"]\nmethods = ["dns"]\nseeds = 3\n'
        "[train]\nepochs = 9\ndim = 4\n"
    )
    result = call(
        "run", "e.toml", "--seeds", "2", "--epochs", "3", "epochs=1", "train.lr=0.5", "-q"
    )
    assert result.exit_code == 0, result.output
    cells = [
        json.loads(path.read_text())["spec"] for path in Path("runs/mine").glob("cells/*/*.json")
    ]
    assert [each["method"] for each in cells] == ["dns", "dns"]
    assert {each["train"]["epochs"] for each in cells} == {1}
    assert {(e["backbone_config"]["lr"], e["backbone_config"]["dim"]) for e in cells} == {(0.5, 4)}


@pytest.mark.parametrize(
    "words, code, message",
    [
        (["tabel"], 2, "did you mean table?"),
        (["run", "--epoch", "3"], 2, "did you mean --epochs?"),
        (["run", "-m", "dnss"], 2, "did you mean dns"),
        (["run", "dns"], 2, "-m"),
        (["run", "no.toml"], 2, "must be there"),
        (["run", "epoch=3"], 2, "did you mean epochs"),
        (["run", "-d", "no/such.csv"], 3, "neither a data set nor a file"),
        (["run", "--data-dir", "no/such"], 3, "--data-dir"),
        (["resume", "no"], 2, "run.json"),
        (["status", "no"], 4, "holds none"),
        (["table", "no"], 4, "must exist"),
        (["plot", "no"], 4, "must exist"),
        (["report", "no"], 4, "must exist"),
        (["list", "methodz"], 2, "did you mean methods"),
        (["list", "methods", "--family", "dynamc"], 2, "did you mean dynamic"),
        (["info", "dnss"], 2, "did you mean dns"),
        (["data", "check", "goodboks"], 3, "did you mean goodbooks"),
        (["new", "method", "9lives"], 2, "Python word"),
        (["new", "method", "dns"], 2, "already has"),
        (["new", "method", "mine", "--folder", "no"], 2, "--folder"),
        (["download", "nosuch"], 2, "must be known names"),
        (["table"], 2, "RUN_DIRS"),
    ],
)
def test_a_mistake_is_one_sentence_and_its_code(tmp_path, words, code, message):
    result = call(*words)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("negbench: ") and message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_table_against_an_unknown_row_or_format_is_refused(finished):
    out, _ = finished
    assert "did you mean random" in call("table", out, "--vs", "randm").stderr
    assert call("table", out, "--format", "pdf").exit_code == 2
    assert "did you mean bands" in call("plot", out, "band").stderr
    assert call("plot", out, "--format", "gif").exit_code == 2


@pytest.mark.parametrize("format, message", [("md", "|"), ("csv", ","), ("latex", "tabular")])
def test_tables(finished, format, message):
    out, _ = finished
    result = call("table", out, "--format", format, "--metric", "recall@10", "--vs", "dns")
    assert result.exit_code == 0 and message in result.stdout
    assert call("table", out, "--format", format, "-o", f"t.{format}").exit_code == 0
    assert message in Path(f"t.{format}").read_text()


def test_plots_and_a_report(finished):
    out, _ = finished
    result = call("plot", out, "bands", "--format", "svg", "-o", "figures")
    assert result.exit_code == 0, result.output
    assert any(Path("figures").glob("*.svg"))
    result = call("report", out, "-o", "r.html")
    assert result.exit_code == 0, result.output
    assert Path("r.html").read_text().lstrip().lower().startswith("<!doctype html")


def test_status(finished):
    out, _ = finished
    status = json.loads(call("status", out, "--json").stdout)
    assert (status["done"], status["failed"], status["pending"]) in [(5, {}, []), (4, {}, [])]
    assert "0 pending" in call("status", out).stdout


def test_your_own_file_is_run(tmp_path):
    rows = [(u, (u * 7 + n * n) % 30, n) for u in range(40) for n in range(10)]
    Path("my.csv").write_text("who,what,when\n" + "".join(f"{u},{i},{t}\n" for u, i, t in rows))
    words = ["run", "-d", "my.csv", "--user", "who", "--item", "what", "--time", "when"]
    result = call(*words, "-m", "random", "--seeds", "1", "--epochs", "1", "dim=4")
    assert result.exit_code == 0, result.output
    assert "data   my" in result.stdout
    assert list(Path("runs").iterdir())


def test_a_method_of_twenty_lines_runs_from_a_file():
    assert len([line for line in MINE.splitlines() if line.strip()]) <= 20
    Path("easiest.py").write_text(MINE)
    result = call(*RUN, "--plugin", "easiest.py", "-m", "random,easiest", "--seeds", "1", "-o", "r")
    assert result.exit_code == 0, result.output
    assert "easiest" in result.stdout
    assert "easiest" in call("list", "methods", "--plugin", "easiest.py").stdout
    assert "Easiest of M" in call("info", "easiest", "--plugin", "easiest.py").stdout


def test_a_failed_cell_ends_in_code_one_with_its_reason():
    Path("easiest.py").write_text(MINE.replace("argmin(1, keepdim=True)", "nonsense()"))
    result = call(*RUN, "--plugin", "easiest.py", "-m", "random,easiest", "--seeds", "1", "-o", "r")
    assert result.exit_code == 1
    assert "1 of 2 cells failed" in result.stderr and "nonsense" in result.stderr
    assert "random" in result.stdout
    status = call("status", "r")
    assert "1 done, 1 failed, 0 pending" in status.stdout and "nonsense" in status.stdout


def test_an_interrupt_keeps_what_is_done_and_tells_how_to_go_on(monkeypatch):
    from negbench.experiment.workers import local_pool

    real, count = local_pool.run_cell, []

    def second_is_interrupted(*words, **more):
        count.append(1)
        if len(count) == 2:
            raise KeyboardInterrupt
        return real(*words, **more)

    monkeypatch.setattr(local_pool, "run_cell", second_is_interrupted)
    result = call(*RUN, "-m", "random", "--seeds", "3", "-o", "r")
    assert result.exit_code == 130
    assert "negbench resume r" in result.stderr
    assert "1 done, 0 failed, 2 pending" in call("status", "r").stdout
    assert len(Path("r/results.csv").read_text().splitlines()) > 1
    assert call("resume", "r").exit_code == 0
    assert "3 done" in call("status", "r").stdout


def test_the_mirror_in_python(tmp_path):
    import negbench

    run = negbench.run(
        datasets=DATA, methods=["random", "dns"], seeds=2, epochs=1, out="r", progress=False
    )
    assert len(run.frame) and set(run.frame["method"]) == {"random", "dns"}
    assert "NDCG@20" in str(run) and "tabular" in run.table("latex")
    assert run.failed == {}
    again = negbench.open_run("r")
    assert again.frame.equals(run.frame)
    assert again.report("r.html").exists() and again.plot("bands", folder="p", formats=["png"])
    with pytest.raises(negbench.UserError):
        negbench.run(datasets=DATA, methods="dnss")
