"""Every option of every command given wrongly once: one sentence, exit code 2 or 3, no trace."""

import click
import pytest
from click.testing import CliRunner

from negbench.cli import main
from negbench.plugins import registry

DATA = "synthetic(users=40,items=60,interactions=600,relevant=0.4)"

WRONG = {
    "datasets": "gudbooks",
    "methods": "dnss",
    "backbones": "mff",
    "references": "most_poplar",
    "seeds": "many",
    "encoder": "bertt",
    "objective": "bqr",
    "tuned": "no/such/search",
    "user": "who",
    "item": "what",
    "time": "when",
    "rating": "stars",
    "min_rating": "good",
    "layout": "spiral",
    "order": "sideways",
    "item_features": "/no/such/items.csv",
    "user_features": "/no/such/users.csv",
    "test_file": "test_ood",
    "data_dir": "/no/such/folder",
    "repeats": "twice",
    "k_core": "-1",
    "split": "ratio(0.8,0.8,0.8)",
    "exclude": "everything",
    "metrics": "ndcg@",
    "bands": "mass:2",
    "mask": "half",
    "average": "items",
    "users": "some",
    "ranking": "annoy",
    "probe": "most",
    "log_negatives": "-5",
    "plant": "1.5",
    "noise": "loud",
    "epochs": "0",
    "patience": "-1",
    "eval_every": "0",
    "select": "ndcgg@",
    "batch_size": "0",
    "lr": "-0.1",
    "l2": "-1",
    "dim": "0",
    "optimiser": "adamw",
    "time_limit": "-1",
    "jobs": "several",
    "threads": "0",
    "device": "tpu",
    "plugins": "/no/such/plugin.py",
    "overwrite": "some",
    "checkpoint_every": "-1",
    "shard": "3/2",
    "engine": "spark",
    "scheduler": "tcp://host:1",
    "workers": "2",
    "track": "tensorbord",
}
"""A wrong value for each option of `run` that takes one; `scheduler` and `workers` need dask."""
FREE = {"words", "name", "out", "watch_test", "dry_run", "quiet", "no_progress", "help"}
"""Any word is a name or a folder; flags cannot be wrong."""

OTHERS = [
    ["resume", "nowhere"],
    ["resume", "nowhere", "--jobs", "x"],
    ["status", "nowhere"],
    ["table", "nowhere"],
    ["compare", "nowhere"],
    ["audit", "nowhere"],
    ["plot", "nowhere", "overview"],
    ["report", "nowhere"],
    ["cite", "nowhere"],
    ["bundle", "nowhere"],
    ["explain", "nowhere"],
    ["mine", "nowhere"],
    ["export", "nowhere", "--recs"],
    ["info", "nothing_known"],
    ["download", "nothing_known"],
    ["data", "check", "nowhere.csv"],
    ["new", "method", "not a name"],
    ["runn"],
    ["run", "--epoch-count", "3"],
    ["run", "no-equals-sign"],
    ["run", "epochs.lr=3"],
    ["run", "missing.toml"],
    ["table", "nowhere", "--format", "pdf"],
    ["list", "--sort"],
]


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path):
    monkeypatch.setattr(registry, "_plugins", {})
    monkeypatch.chdir(tmp_path)


def refused(tmp_path, words):
    result = CliRunner().invoke(main, words)
    messages = [line for line in result.stderr.splitlines() if line.startswith("negbench: ")]
    assert result.exit_code in (2, 3, 4), (result.exit_code, result.output, result.exception)
    assert len(messages) == 1 and "Traceback" not in result.output, result.output
    assert not list(tmp_path.iterdir()), "something was written"
    return messages[0]


def test_the_table_names_every_option_of_run():
    command = main.get_command(click.Context(main), "run")
    named = {parameter.name for parameter in command.params}
    assert named == set(WRONG) | FREE - {"help"} | ({"help"} & named)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value(tmp_path, name):
    command = main.get_command(click.Context(main), "run")
    option = next(each for each in command.params if each.name == name)
    flag = max(option.opts, key=len)
    words = ["run", *(["-d", DATA] if name != "datasets" else []), "--epochs", "1"]
    if name == "encoder":  # it is read where a method reads texts
        words += ["-m", "hnlmrec"]
    if name == "epochs":
        words = words[:-2]
    sentence = refused(tmp_path, [*words, "-m", "random", flag, WRONG[name]])
    value = WRONG[name].partition("(")[0]
    assert value in sentence or name.replace("_", "-") in sentence, sentence


@pytest.mark.parametrize("words", OTHERS, ids=" ".join)
def test_other_commands(tmp_path, words):
    refused(tmp_path, words)
