"""The options of `run`, of which `tune` has most, in the groups and the order of their help."""

from collections.abc import Callable
from typing import Any

from negbench.cli import tab_words
from negbench.cli.command import in_group

C = Callable[..., Any]
_data = in_group("Data")
_methods = in_group("Methods and models")
_ranking = in_group("Split and ranking")
_training = in_group("Training")
_watching = in_group("What is measured in training")
_running = in_group("Running")
_output = in_group("Output")

DATA = (
    _data(
        "-d",
        "--datasets",
        "--dataset",
        multiple=True,
        shell_complete=tab_words.datasets,
        help="Names, files or folders  [goodbooks]",
    ),
    _data("--user", help="Column of the user, where data are a file of yours"),
    _data("--item", help="Column of the item"),
    _data("--time", help="Column of the time"),
    _data("--rating", help="Column of the rating"),
    _data("--min-rating", help="Rows rated below are dropped"),
    _data("--layout", help="Lines of your file: pairs, lists, sequences, sessions  [seen]"),
    _data("--order", help="Orders a user's rows of it: time, rows, none  [time if any]"),
    _data(
        "--item-features",
        shell_complete=tab_words.files,
        help="Table of your items' columns, for two_tower(features)",
    ),
    _data("--user-features", shell_complete=tab_words.files, help="Table of your users' columns"),
    _data("--test-file", help="Of a folder with several test files, the one to rank  [test]"),
    _data(
        "--data-dir",
        shell_complete=tab_words.folders,
        help="Folder with data sets in official layout [NEGBENCH_DATA]",
    ),
    _data(
        "--repeats",
        shell_complete=tab_words.either("drop", "keep"),
        help="Pairs that come again: drop, or keep with their order  [drop]",
    ),
    _data("--k-core", help="Drop users and items with fewer interactions, 0 is off  [0]"),
    _data("--plant", help="Hide this share of train positives, as 0.1, and follow them"),
    _data("--noise", help="Add noise to train: a share of random pairs, 0.2, or `ratings`"),
)
METHODS = (
    _methods(
        "-m",
        "--methods",
        "--method",
        multiple=True,
        shell_complete=tab_words.methods,
        help="Names, all, globs, families, all,-dns, dns(candidates=32), dns@lr=0.1, "
        "dns(candidates=[2,4])  "
        "[random,popularity,dns]",
    ),
    _methods(
        "-b",
        "--backbones",
        "--backbone",
        "--model",
        multiple=True,
        shell_complete=tab_words.backbones,
        help="What is trained  [mf]",
    ),
    _methods(
        "--references",
        "--reference",
        multiple=True,
        shell_complete=tab_words.references,
        help="Guard rows, as most_popular",
    ),
    _methods(
        "--encoder",
        shell_complete=tab_words.files,
        help="Text vectors: tfidf, minilm, a .npy table, a model's folder or hub id  [tfidf]",
    ),
    _methods(
        "--objective",
        shell_complete=tab_words.one_of(tab_words.names("objectives")),
        help="One loss for all methods: bpr, bce, gbce, softmax, hinge",
    ),
    _methods(
        "--plugin",
        "plugins",
        multiple=True,
        shell_complete=tab_words.files,
        help="A plug-in's file; its code runs",
    ),
)
TUNED = (
    _methods(
        "--tuned",
        shell_complete=tab_words.run_folders,
        help="Each row's settings and budget: a folder of `negbench tune`, or embedded",
    ),
)
SEEDS = (
    _methods(
        "--seeds",
        "--seed",
        help="3 is 0,1,2; 0-9 a range; 4,7 a list; 7-7 one  [5; 3 where 5 would take over an hour; "
        "a folder with finished cells keeps its own]",
    ),
)
RANKING = (
    _ranking(
        "--split",
        help="auto, ratio(0.8,0.1,0.1), temporal(0.8,0.9), loo, random, files, truth, "
        "users(0.8,0.1,0.1), cold_items(0.1), popularity_shift(0, all items alike, to 1)  [auto]",
    ),
    _ranking(
        "--exclude",
        shell_complete=tab_words.either("train", "none", "train+valid", "all"),
        help="Never drawn: train, none; oracles: train+valid, all  [train]",
    ),
    _ranking(
        "--metrics",
        "--metric",
        multiple=True,
        shell_complete=tab_words.metrics,
        help="As recall,ndcg@10,20",
    ),
    _ranking("--bands", help="mass:1/3,2/3, items:0.2,0.8 or count:5,50  [mass]"),
    _ranking(
        "--mask",
        shell_complete=tab_words.either("seen", "train", "none"),
        help="Not ranked: seen (train, then valid), train, none (published runs)  [seen]",
    ),
    _ranking(
        "--average",
        shell_complete=tab_words.either("users", "events"),
        help="Means over users, or over test events  [users]",
    ),
    _ranking(
        "--users",
        shell_complete=tab_words.either("all", "with-history"),
        help="Who is ranked: all with test items, or with-history  [all]",
    ),
    _ranking(
        "--ranking",
        shell_complete=tab_words.either("exact", "hnsw"),
        help="Lists by exact ranks, or by an index for huge catalogues: hnsw  [exact]",
    ),
)
TRAINING = (
    _training("--epochs", help="At most this many  [200]"),
    _training("--patience", help="Evaluations without gain before a stop  [10]"),
    _training("--eval-every", help="Epochs between evaluations on the valid part  [1]"),
    _training(
        "--select",
        shell_complete=tab_words.metric,
        help="Validation metric of early stopping, as hit@10  [ndcg@20]",
    ),
    _training("--batch-size", help="For every backbone; without it their own"),
    _training("--lr", help="Likewise; 0.001,0.01 is a sweep, one row a value"),
    _training("--l2", help="Likewise"),
    _training("--dim", help="Likewise"),
    _training(
        "--optimiser",
        shell_complete=tab_words.either("adam", "adam_exact", "adagrad", "sgd"),
        help="adam, adam_exact, adagrad or sgd: give the --lr too  [adam]",
    ),
    _training("--time-limit", help="Seconds that a cell may train"),
)
WATCHING = (
    _watching(
        "--probe",
        shell_complete=tab_words.list_of(tab_words.names("probes")),
        help="What watches training: sample, full, off, or plug-ins  [sample]",
    ),
    _watching("--log-negatives", help="Keep so many of the negatives used, per cell  [0]"),
    _watching(
        "--watch-test",
        is_flag=True,
        help="Log the test metric of each epoch too; nothing reads it for a choice",
    ),
)
RUNNING = (
    _running("-j", "--jobs", help="Worker processes, or auto  [1]"),
    _running("--threads", help="Threads of each; results depend on it  [1]"),
    _running("--device", help="auto, cpu, cuda, cuda:1  [auto]"),
    _running(
        "--overwrite",
        shell_complete=tab_words.either("missing", "failed", "all"),
        help="Do again: missing (nothing), failed or all  [failed; of tune missing]",
    ),
    _running("--checkpoint-every", help="Epochs between checkpoints of a cell  [5 minutes]"),
    _running("--shard", help="Only every n-th cell from the i-th on: 1/4, 2/4, ...  [1/1]"),
    _running(
        "--engine",
        shell_complete=tab_words.either("local", "dask"),
        help="local (processes here) or dask  [local]",
    ),
    _running("--scheduler", help="Of dask: address of one that runs, tcp://host:8786"),
    _running("--workers", help="Of dask: so many workers of our own here"),
)
OUTPUT = (
    _output(
        "-o",
        "--out",
        shell_complete=tab_words.folders,
        help="The run's folder  [runs/DATASETS]",
    ),
    _output("--name", help="Keep the run in runs/NAME"),
    _output(
        "--track",
        shell_complete=tab_words.list_of(lambda _: ("tensorboard", "mlflow", "wandb")),
        help="Show cells in tensorboard, mlflow or wandb: while they train, and when finished",
    ),
    _output(
        "--dry-run",
        is_flag=True,
        help="Show the plan and an estimate, write nothing; exit code 1 where a row would fail",
    ),
    _output("-q", "--quiet", is_flag=True, help="The tables alone"),
    _output("--no-progress", is_flag=True, help="No bar"),
)


def options(*groups: tuple[C, ...]) -> C:
    """Give a command all options of these groups, in order."""

    def decorate(command: C) -> C:
        for option in reversed([each for group in groups for each in group]):
            command = option(command)
        return command

    return decorate
