"""A budget that ends in a method's warm-up: said before training, in the record, everywhere."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.every_method_cell import BACKBONES, METHODS
from helpers.small_runs import DATA, SMALL

from negbench.cli import main
from negbench.composition import recipe
from negbench.errors import UserError
from negbench.experiment.console import notes
from negbench.experiment.options.options import build, flatten
from negbench.experiment.plan import plan
from negbench.protocol import Phase
from negbench.storage.cell_store import read_cells

OWN = {
    "adar": 6,  # warm-up 5
    "adv_infonce": 3,  # the first epoch e with (e + 2) mod 5 = 0
    "bc_loss": 6,  # the branch learns for 5
    "cbns": 2,  # an epoch without the bank
    "ccdrec_cf": 16,  # three pools of 5 before the hardest
    "ddrm": 21,  # warm-up 20
    "ddrm_sampler": 6,  # warm-up 5
    "gnno": 9,  # the ceiling rises from epoch 2 by .1 an epoch
    "hnlmrec": 10,  # warm-up 5, at the full share in the fifth epoch of the ramp
    "napo": 21,  # 20 supervised
    "shapley": 3,  # warm-up 2
    "slatk": 5,  # quantiles are renewed every fifth epoch
    "srns": 10,  # the weight of the deviation rises over ten
    "tce": 11,  # the dropped share rises over ten
}
"""Read off the methods' docstrings and settings: the epoch from which each is itself."""


def phase_of(method: str, objective: str | None = None) -> Phase | None:
    return recipe(method, objective).build().own_phase


def test_the_methods_with_a_schedule_and_when_each_is_itself():
    phases = {name: phase.begins for name in METHODS if (phase := phase_of(name))}
    assert phases == OWN


@pytest.mark.parametrize(
    "control",
    [
        "ddrm(diffusion=false)",
        "ddrm(freeze=false)",
        "ddrm(warmup=0)",
        "adar(w=0)",
        "bc_loss(margin=0)",
        "ccdrec_cf(omega=0)",
        "adv_infonce(adversarial_epochs=0)",
        "adv_infonce(variant=exact)",
        "hnlmrec(alpha=0,contrastive=0)",
    ],
)
def test_a_control_without_the_mechanism_has_no_phase(control):
    assert phase_of(control) is None


def test_settings_move_the_phase_and_a_composition_takes_the_latest():
    assert phase_of("ddrm(warmup=3)") == Phase("frozen vectors", 4)
    assert phase_of("hnlmrec(alpha=0)").begins == 6
    assert phase_of("adv_infonce(warm_up=3,interval=1)").begins == 4
    assert phase_of("popularity+ddrm").begins == 21
    assert phase_of("shapley+adar").begins == 6
    assert phase_of("napo", "bpr") is None  # another objective than its own


def options(methods, **raw):
    return build(flatten({**SMALL, "seeds": 1, "methods": methods, **raw}))


def test_the_plan_says_which_methods_the_budget_never_lets_begin():
    chosen = options("random,ddrm,shapley,popularity+adar", epochs=4)
    grid = plan(chosen)
    assert grid.notes == (
        "ddrm: its own phase (frozen vectors) begins in epoch 21, the budget ends at 4: "
        "warm-up only",
        "popularity+adar: its own phase (virtual negatives) begins in epoch 6, the budget ends at "
        "4: warm-up only",
    )
    assert f"note   {grid.notes[0]}" in notes(chosen, grid)
    assert plan(options("random,ddrm", epochs=21)).notes == ()


def test_a_run_of_nothing_but_warm_ups_is_refused_and_writes_nothing(tmp_path):
    with pytest.raises(UserError, match="--epochs must reach a method's own phase; ddrm: its own"):
        plan(options("ddrm,napo", epochs=2))
    words = ["run", "-d", DATA, "-m", "ddrm", "--epochs", "2", "-o", str(tmp_path / "run")]
    result = CliRunner().invoke(main, words)
    assert not (tmp_path / "run").exists()
    assert result.exit_code == 2 and "--epochs must reach" in result.output


def test_a_run_of_all_methods_names_every_row_that_was_not_itself(tmp_path):
    """With two epochs, on the first backbone of each: in the plan, records, table and status."""
    late = {name for name, begins in OWN.items() if begins > 2} - {"bc_loss"}  # see below
    for backbone in sorted(set(BACKBONES.values())):
        names = [n for n in METHODS if BACKBONES[n] == backbone and n != "bc_loss"]
        words = ["-d", DATA, "-m", ",".join(names), "-b", backbone, "--seeds", "1", "--dim", "8"]
        budget = ["--epochs", "2", "--batch-size", "256", "--probe", "off", "--no-progress"]
        words = ["run", *words, *budget, "-o", str(tmp_path / backbone)]
        result = CliRunner().invoke(main, words, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        before, _, table = result.output.partition("grid ")
        noted = [x for x in before.splitlines() if x.endswith("warm-up only")]
        named = {line.split(":")[0].removeprefix("note   ") for line in noted}
        assert named == late & set(names)
        cells, _ = read_cells(tmp_path / backbone)
        fits = {cell.spec["method"]: cell.record["fit"] for cell in cells}
        assert {m for m, fit in fits.items() if fit["phase"] and not fit["phase"]["kept"]} == named
        assert {m for m, fit in fits.items() if fit["phase"]} == set(OWN) & set(names)
        flat = " ".join(table.split())  # notes are wrapped
        assert ("~ warm-up only, ranked last:" in flat) == bool(named)
        assert all(f"{name} (" in flat for name in named)
        status = CliRunner().invoke(main, ["status", str(tmp_path / backbone)]).output
        assert (f"warm-up only: {len(named)} of {len(names)}" in status) == bool(named)


def test_a_model_that_rests_until_the_phase_begins_has_learnt_nothing_before_it(tmp_path):
    """The popularity branch of bc_loss learns alone: there is no model to rank by before that."""
    words = ["run", "-d", DATA, "-m", "random,bc_loss", "--epochs", "2", "--seeds", "1"]
    result = CliRunner().invoke(main, [*words, "--dim", "4", "-o", str(tmp_path)])
    assert result.exit_code == 1
    assert "begins in epoch 6 and training ended after 2; raise --epochs" in result.output


def test_a_record_says_how_its_budget_ended(tmp_path: Path):
    words = ["-d", DATA, "-m", "random,shapley", "--seeds", "1", "--epochs", "3", "--dim", "4"]
    words += ["--probe", "off", "-o", str(tmp_path)]
    result = CliRunner().invoke(main, ["run", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    records = [json.loads(path.read_text()) for path in tmp_path.glob("cells/*/cell.json")]
    fits = {record["spec"]["method"]: record["fit"] for record in records}
    assert fits["random"]["phase"] is None
    assert fits["shapley"]["phase"] == {
        "name": "values of triplets",
        "begins": 3,
        "reached": True,
        "kept": True,
    }
    assert fits["shapley"]["capped"]  # its phase had one epoch of it
    shown = CliRunner().invoke(main, ["status", str(tmp_path)]).output
    rising = sum(fit["capped"] for fit in fits.values())
    assert f"still rising when the budget ended: {rising} of 2" in shown
