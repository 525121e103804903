import re
from pathlib import Path
from typing import Any

import pytest
from helpers.two_rates_run import HIGH, LOW, MEANS, write_two_rates

from negbench.analysis.runs.baselines import (
    baseline_of,
    baselines,
    setting_names,
    several,
    word_and_settings,
)
from negbench.analysis.runs.frames import open_run
from negbench.errors import UserError
from negbench.experiment.finished.run import open_run as opened

RATES = ["random@lr=0.1", "random@lr=0.01", "dns@lr=0.1", "dns@lr=0.01", "dns", "most_popular"]


@pytest.mark.parametrize(
    ("row", "rows", "vs", "base"),
    [
        ("dns", ["random", "dns", "mixed"], "random", "random"),
        ("random", ["random", "dns"], "random", "random"),
        ("dns(candidates=4)", ["random", "dns(candidates=4)"], "random", "random"),
        ("dns@lr=0.1", ["random", "dns@lr=0.1", "dns@lr=0.01"], "random", "random"),
        ("dns@lr=0.1", RATES, "random", "random@lr=0.1"),
        ("dns@lr=0.01", RATES, "random", "random@lr=0.01"),
        ("random@lr=0.01", RATES, "random", "random@lr=0.01"),
        ("dns", RATES, "random", ""),
        ("most_popular", RATES, "random", ""),
        ("dns@lr=1.0", RATES, "random", ""),
        ("dns@lr=0.1", ["random", *RATES], "random", "random@lr=0.1"),
        ("dns@lr=1.0", ["random", *RATES], "random", "random"),
        ("most_popular", ["random", *RATES], "random", "random"),
        ("dns", ["random@lr=0.02", "dns"], "random", "random@lr=0.02"),
        ("dns@lr=0.01", RATES, "random@lr=0.1", "random@lr=0.1"),
        ("random@lr=0.01", RATES, "random@lr=0.1", "random@lr=0.1"),
        ("dns@lr=0.01", RATES, "random@lr=1.0", ""),
        ("random@lr=0.1", RATES, "most_popular", "most_popular"),
        ("dns@lr=0.1", RATES, "nothing", ""),
        ("dns [probe=full]", ["random [probe=full]", "random [probe=no]"], "random", None),
        ("a@(l2=0,lr=1)", ["b(n=2)@(l2=0,lr=1)", "b(n=2)@lr=1", "b"], "b(n=2)", None),
        ("b@lr=1", ["b@lr=1", "a(x=2)+b@lr=1", "a(x=2)+b"], "a(x=2)+b", "a(x=2)+b@lr=1"),
    ],
)
def test_the_baseline_is_the_row_of_the_same_settings(
    row: str, rows: list[str], vs: str, base: str | None
) -> None:
    assert baseline_of(row, rows, vs) == (rows[0] if base is None else base)


@pytest.mark.parametrize(
    ("label", "word", "names"),
    [
        ("dns", "dns", []),
        ("dns(candidates=4)@lr=0.1", "dns(candidates=4)", ["lr"]),
        ("a(x='b@c [d')+b@(l2=0,lr=0.1)", "a(x='b@c [d')+b", ["l2", "lr"]),
        ("dns@lr=0.1 [probe=full,at=(1, 2)]", "dns", ["lr", "probe", "at"]),
        ("dns [probe=full]", "dns", ["probe"]),
        ("dns [text=it's]", "dns [text=it's]", []),  # nothing that can be read safely
        ("", "", []),
    ],
)
def test_a_label_is_a_word_and_its_settings(label: str, word: str, names: list[str]) -> None:
    assert word_and_settings(label) == (word, label[len(word) :])
    assert setting_names(label) == names


def test_one_row_called_exactly_so_is_no_choice() -> None:
    assert not several("random", ["random", "", "random"]) and not several("random", [])
    assert several("random", ["random", "random@lr=0.1"])
    assert several("random", ["random@lr=0.1"])


def test_a_row_whose_cell_failed_stays_the_baseline_of_its_settings(
    tmp_path: Path, write: Any
) -> None:
    run = open_run(write_two_rates(write, tmp_path, failed=("random", HIGH), seeds=1))
    bases = baselines(run, "random")
    assert bases["books", "mf", "dns@lr=0.03"] == "random@lr=0.03"
    assert bases["books", "mf", "dns@lr=0.001"] == "random@lr=0.001"
    assert bases["books", "mf", "most_popular"] == ""
    assert baselines(run, "most_popular")["books", "reference", "most_popular"] == "most_popular"


def test_a_word_is_accepted_where_only_its_variants_are(tmp_path: Path, write: Any) -> None:
    run = opened(write_two_rates(write, tmp_path / "run", seeds=1))
    own = "books · mf · against random of the same settings (lr)\n"
    assert run.compare().startswith(own) and run.compare(vs="random").startswith(own)
    assert run.compare(vs="dns").startswith(own.replace("random", "dns"))
    for wrong in ("rand", "random@lr=1.0"):
        with pytest.raises(UserError, match="--vs must be a row of the table; got .* did you mean"):
            run.table(vs=wrong)


def test_without_random_the_first_method_takes_its_place(tmp_path: Path, write: Any) -> None:
    means = {("mixed", LOW): 0.2, ("mixed", HIGH): 0.3, ("dns", LOW): 0.25, ("dns", HIGH): 0.3}
    run = opened(write_two_rates(write, tmp_path / "two", means, seeds=1))
    title = run.compare().splitlines()[0]
    assert re.search(r" · against (dns|mixed) of the same settings \(lr\)$", title)
    alone = {key: mean for key, mean in MEANS.items() if key[0] == "dns"}
    run = opened(write_two_rates(write, tmp_path / "alone", alone, seeds=1))
    assert " · against dns@lr=0.0" in run.compare()
