"""What a training lacked is said by every command; what would train on nothing is refused."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from negbench.cli import main

BUDGET = ["--epochs", "2", "--seeds", "2", "--batch-size", "83", "--no-progress"]


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    # 12 users with 8 of 20 items; every third has 3: under leave one out one is left to train on.
    rows = [
        (f"u{u}", f"i{(5 * u + 3 * s) % 20}", 100 * s + u)
        for u in range(12)
        for s in range(3 if u % 3 == 0 else 10)
    ]
    Path("wide.csv").write_text(
        "user,item,time\n" + "".join(f"{u},{i},{t}\n" for u, i, t in rows), "utf-8"
    )


def call(*given):
    return CliRunner().invoke(main, list(given))


def flat(text):
    return " ".join(text.split())


def test_every_output_says_what_was_left_out_and_what_taught_nothing():
    sentences = [
        "leaves out 4 of 12 train users (33 %), who have one train pair and so nothing to predict",
        "had no usable negative in 28 of 224 rows trained on (2 cells): they were compared with "
        "nothing.",
    ]
    rows = ["-m", "in_batch,random", "-b", "gru4rec(dim=4,batch_size=7)", "--split", "loo"]
    done = call("run", "-d", "wide.csv", *rows, *BUDGET, "-o", "out")
    assert done.exit_code == 0, done.output
    outputs = {"run": done.stdout}
    for command in ("table", "compare", "audit"):
        shown = call(command, "out")
        assert shown.exit_code == 0, shown.output
        outputs[command] = shown.stdout
    assert call("report", "out").exit_code == 0
    outputs["report"] = Path("out/report.html").read_text("utf-8")
    for command, text in outputs.items():
        for sentence in sentences:
            assert sentence in flat(text), (command, sentence)


@pytest.mark.parametrize(
    ("options", "sentence"),
    {
        "in-batch of one": (
            ["-m", "in_batch", "--batch-size", "1"],
            "method in_batch takes its negatives from the other rows of a batch",
        ),
        "nothing is planted": (["--plant", "0.001"], "--plant must hide a train pair; 0.001 of"),
        "no noise": (["--noise", "0.001"], "--noise must add a pair; 0.001 of"),
        "a start at zero": (["-b", "mf(init=0)"], "`init` must be above 0"),
        "a year of seeds": (["--seeds", "2020"], "write 2020-2020 for the seed 2020 alone"),
        "no history": (
            ["-b", "sasrec", "--split", "ratio(0.01,0,0.99)"],
            "wide has none under ratio(0.01,0,0.99); use another --split",
        ),
    }.values(),
)
def test_refused_with_one_sentence_and_nothing_written(options, sentence):
    methods = [] if "-m" in options else ["-m", "random"]
    done = call("run", "-d", "wide.csv", *methods, *BUDGET, *options, "-o", "out")
    assert done.exit_code == 2, done.output
    (line,) = done.stderr.splitlines()
    assert sentence in line
    assert not Path("out").exists()


def test_a_block_without_any_finished_cell_speaks_of_no_mean_and_no_objective():
    rows = ["-m", "random", "-b", "mf,mf(lr=1e-30)", "-d", "wide.csv"]
    done = call("run", *rows, *BUDGET, "-o", "out")
    assert done.exit_code == 1 and "NothingLearnt" in done.output
    text = flat(call("table", "out").stdout)
    assert "random has 0 of 2 seeds" in text
    assert "over 0 seeds" not in text and "method: ." not in text


def test_one_user_is_no_users():
    rows = "".join(f"u,i{i},{i}\n" for i in range(40))
    Path("one.csv").write_text(f"user,item,time\n{rows}", "utf-8")
    done = call("run", "-d", "one.csv", "-m", "random", *BUDGET, "-o", "out")
    assert "one   1 user  40 items" in done.stdout
    assert "1 user, 40 items, 40 interactions" in done.stdout
