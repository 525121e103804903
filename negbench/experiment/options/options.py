"""Options of a run: one frozen value, whether typed, read from a file or given in Python.

Every key is an option of `negbench run`, a key of an experiment file and a `KEY=VALUE` override.
Nothing is loaded here but names and cards; training code is imported only to check the training
budget.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from shlex import quote
from typing import Any, Literal

from negbench.data.dataset_words import is_file, is_name
from negbench.data.readers.column_roles import Columns
from negbench.errors import UserError, did_you_mean, shown
from negbench.experiment.options.numpy_values import as_python
from negbench.experiment.options.plugin_selection import select
from negbench.experiment.options.sweeps import expand
from negbench.experiment.options.training_settings import budget
from negbench.experiment.options.value_parsers import PARSERS, column, own_data, variants
from negbench.plugins import registry

OVERWRITE = ("missing", "failed", "all")
STOPPING = ("epochs", "patience", "eval_every", "select")
TRAIN = (*STOPPING, "lr", "l2", "dim", "batch_size", "optimiser", "time_limit")
ROWS = ("methods", "backbones", "references")
COLUMNS = tuple(each.name for each in fields(Columns))
ALIASES = {
    "dataset": "datasets",
    "method": "methods",
    "backbone": "backbones",
    "model": "backbones",
    "seed": "seeds",
    "reference": "references",
    "metric": "metrics",
    "plugin": "plugins",
    "output": "out",
}


@dataclass(frozen=True)
class Options:
    """A whole experiment; the defaults are the short tour."""

    name: str = ""
    """Names the run's folder, runs/NAME."""
    datasets: tuple[str, ...] = ("goodbooks",)
    methods: tuple[str, ...] = ("random", "popularity", "dns")
    backbones: tuple[str, ...] = ("mf",)
    references: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Where none are given, `default_seeds` may take fewer."""
    columns: Columns = Columns()
    own: tuple[tuple[str, Columns], ...] = ()
    """Columns of single data files, from an experiment file."""
    k_core: int = 0
    split: str = "auto"
    exclude: str = "train"
    bands: str = "mass"
    metrics: tuple[str, ...] = ("recall,ndcg,hit,mrr,map,precision@10,20",)
    objective: str | None = None
    probe: str = "sample"
    """How much of training the probes measure (sample, full or off), and probes of plug-ins."""
    log_negatives: int = 0
    """How many of the negatives used each cell keeps."""
    watch_test: bool = False
    """Whether epochs.csv has the test metric too; nothing reads it for a choice."""
    plant: float = 0.0
    """The share of train positives that are hidden, to see how methods treat them."""
    noise: float | Literal["ratings"] = 0.0
    """Random pairs added to train, as a share of it."""
    mask: str = "seen"
    """What is left out of the lists that are ranked: seen, train or none."""
    average: str = "users"
    """What metrics are means over: users, or test events."""
    users: str = "all"
    """Who is ranked: all users with test items, or those with-history."""
    repeats: str = "drop"
    """What happens to a (user, item) pair that comes again: drop or keep."""
    ranking: str = "exact"
    """How lists come about: by exact ranks, or by an approximate index, hnsw."""
    encoder: str = "tfidf"
    """What makes vectors of the items' texts, for methods that read them."""
    tuned: str = ""
    """Where the rows' settings come from: a folder with searches, or `embedded`."""
    train: Mapping[str, Any] = field(default_factory=dict)
    """The training budget as far as it was given; the rest are the defaults of `TrainConfig`."""
    jobs: int = 1
    """Worker processes; 0 is one for each core."""
    threads: int = 1
    """Threads of each."""
    device: str = "auto"
    out: str = ""
    """The run's folder; empty: runs/NAME, or runs/ and the data sets' names."""
    data_dir: str | None = None
    plugins: tuple[str, ...] = ()
    overwrite: str = "failed"
    """What is done again: missing (nothing), failed (cells that failed) or all."""
    checkpoint_every: int = 0
    """Epochs between checkpoints of a long cell; 0 is one after every five minutes."""
    engine: str = "local"
    """What runs the cells: processes of this machine, or dask's workers."""
    scheduler: str = ""
    """Address of a running dask scheduler."""
    workers: int = 0
    """Local dask workers to start, where there is no scheduler."""
    shard: tuple[int, int] = (1, 1)
    """Run every n-th cell only, from the i-th on: (i, n)."""
    track: tuple[str, ...] = ()
    """Where cells are shown, live and when they end: tensorboard, mlflow, wandb."""

    def columns_of(self, dataset: str) -> Columns:
        """The columns of one data set."""
        return dict(self.own).get(dataset, self.columns)

    def as_flat(self) -> dict[str, Any]:
        """Plain values that `build` accepts again: what run.json keeps."""
        apart = ("columns", "own", "train", *([] if self.tuned else ["tuned"]))
        given = {k: v for k, v in asdict(self).items() if k not in apart}
        listed = {k: list(v) if isinstance(v, tuple) else v for k, v in given.items()}
        named = {k: v for k, v in asdict(self.columns).items() if v is not None}
        budget = {f"train.{key}": value for key, value in self.train.items()}
        listed["datasets"] = [_absolute(each) for each in self.datasets]
        own = [{"path": _absolute(path), **asdict(columns)} for path, columns in self.own]
        return {**listed, **named, **budget, **({"own": own} if own else {})}


KEYS = tuple(each.name for each in fields(Options) if each.name not in ("columns", "own", "train"))


def _absolute(dataset: str) -> str:
    """A file of the user's own by its full path, so that a run can go on from any folder."""
    return str(Path(dataset).expanduser().resolve()) if is_file(dataset) else dataset


def flatten(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Flatten a mapping: sections opened, aliases resolved, keys checked; values as given.

    Raises UserError for an unknown key, or a `train` that is no section.
    """
    flat: dict[str, Any] = {}
    for key, value in raw.items():
        name = _key(str(key))
        if name == "train":
            if not isinstance(value, Mapping):
                raise UserError(f"train must be a section of settings; got {shown(value)}")
            for inner, setting in value.items():
                flat[_key(f"train.{inner}")] = setting
        elif name == "methods" and isinstance(value, Mapping):
            flat[name], plugins = variants(value)
            flat["plugins"] = [*flat.get("plugins", []), *plugins]
        elif name == "datasets" and isinstance(value, list | tuple | Mapping):
            flat[name], own = own_data([value] if isinstance(value, Mapping) else value)
            flat["own"] = [*flat.get("own", []), *own]
        elif name == "plugins":
            more = value if isinstance(value, list | tuple) else [value]
            flat[name] = [*flat.get(name, []), *more]
        else:
            flat[name] = value
    return {name: value if name == "datasets" else as_python(value) for name, value in flat.items()}


def merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Flat keys of several layers, the later over the earlier; plug-ins of all."""
    flat: dict[str, Any] = {}
    for layer in layers:
        upper = flatten(layer)
        if plugins := [*flat.get("plugins", []), *upper.get("plugins", [])]:
            upper["plugins"] = plugins
        flat |= upper
    return flat


def build(flat: Mapping[str, Any]) -> Options:
    """Parse and check every value; the first mistake is a UserError."""
    given = {key: value for key, value in flat.items() if value is not None}
    plain = {
        key: PARSERS[key](value, key)
        for key, value in given.items()
        if key in PARSERS and key not in ("methods", "datasets", "backbones", "references")
    }
    registry.refresh()
    for path in plain.get("plugins", ()):
        registry.add_plugin(path)
    named = {key: column(given[key], key) for key in COLUMNS if key in given}
    own = tuple(own_data(given["own"])[1]) if "own" in given else ()
    for family in ("methods", "datasets", "backbones", "references"):
        if family in given:
            words = PARSERS[family](given[family], family)
            needed = family == "datasets" or (
                family != "references" and not given.get("references")
            )
            chosen = select(family, words, paths=family == "datasets") if words or needed else ()
            plain[family] = chosen
    rows = {each: plain.get(each, getattr(Options, each)) for each in ROWS}
    train = {key[6:]: value for key, value in given.items() if key.startswith("train.")}
    rows, train = expand(rows, train)
    options = Options(
        **{**plain, **rows},
        columns=Columns(**named),
        own=tuple((each["path"], _columns(each)) for each in own),
        train=budget(train),
    )
    _check(options)
    return options


def _key(key: str) -> str:
    """A key by its full name; an unknown one is answered with the nearest."""
    name = key.strip().lower().replace("-", "_")
    name = ALIASES.get(name, name)
    if name in TRAIN or name.removeprefix("train.") in TRAIN:
        return "train." + name.removeprefix("train.")
    if name in KEYS or name in COLUMNS or name in ("train", "own"):
        return name
    if name.startswith("train."):
        near = did_you_mean(name.removeprefix("train."), list(TRAIN))
    else:
        near = did_you_mean(name, [*KEYS, *TRAIN, *COLUMNS])
    raise UserError(f"keys must be known options; got {key!r}; {near}")


def _columns(entry: Mapping[str, Any]) -> Columns:
    return Columns(**{k: column(entry[k], k) for k in COLUMNS if entry.get(k) is not None})


def _check(options: Options) -> None:
    """Parse every rule once here, so that a wrong one is refused before data are loaded."""
    import numpy as np

    from negbench.composition import objective
    from negbench.evaluation.metric_names import parse_metrics
    from negbench.plugins.term_syntax import parse
    from negbench.probes.probe_words import probe_words
    from negbench.scenario.popularity_bands import Bands
    from negbench.scenario.ranking_protocol import CHOICES, require_index, require_repeats_counted
    from negbench.scenario.rule_syntax import read_rule
    from negbench.scenario.scenario import EXCLUSIONS
    from negbench.scenario.splits import ALIASES as SHORT
    from negbench.scenario.splits import DEFAULTS
    from negbench.texts.encoders import encoder_of

    parse_metrics(options.metrics)
    Bands.of(np.ones(3, np.int64), options.bands)
    if options.split != "auto":
        read_rule(options.split, DEFAULTS, "split rule", SHORT)
    rules = {"exclude": list(EXCLUSIONS), "overwrite": list(OVERWRITE)}
    rules |= {key: list(words) for key, words in CHOICES.items()}
    for key, known in rules.items():
        value = getattr(options, key)
        if value not in known:
            raise UserError(f"--{key} must be one of {', '.join(known)}; got {value!r}")
    probe_words(options.probe)
    require_repeats_counted(options.repeats, options.average, options.plant)
    require_index(options.ranking, options.references)
    encoder_of(options.encoder)
    if options.objective is not None:
        objective(parse(options.objective))
    _check_engine(options)
    _check_columns(options)


def _check_columns(options: Options) -> None:
    """Refuse column options where every data set is a known one: they are for files."""
    if all(map(is_name, options.datasets)):
        refuse_columns(options.columns, options.datasets)


def refuse_columns(columns: Columns, datasets: Sequence[str]) -> None:
    """Raises UserError if any column or way of reading is given: these data sets need none."""
    given = [name for name in COLUMNS if getattr(columns, name) != getattr(Columns(), name)]
    if given:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise UserError(
            f"{flags}: columns are given for a file of your own; {', '.join(map(quote, datasets))} "
            "needs none; leave it out, or see negbench info for its parameters"
        )


def _check_engine(options: Options) -> None:
    if options.engine not in ("local", "dask"):
        raise UserError(f"--engine must be local or dask; got {options.engine!r}")
    if options.engine == "local" and (options.scheduler or options.workers):
        raise UserError("--scheduler and --workers are for dask's engine; add --engine dask")
    if options.engine == "dask" and bool(options.scheduler) == bool(options.workers):
        raise UserError(
            "--engine dask needs either --scheduler tcp://host:8786 or --workers N; "
            f"got scheduler {options.scheduler!r} and workers {options.workers}"
        )
    if options.engine == "dask" and options.jobs > 1:
        raise UserError("--jobs is for the local engine; with --engine dask use --workers N")
