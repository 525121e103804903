"""Language models by name: checks before loading, and the identity that a cell records."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.probe_scenarios import small_scenario

from negbench.cli import main
from negbench.composition import recipe
from negbench.errors import UserError
from negbench.experiment.cell.spec import CellSpec, unfit
from negbench.texts import language_models, sentence_models

DATA = "synthetic(users=60,items=100,interactions=1200,relevant=0.4)"
PIP = r"pip install 'negbench\[text\]'"


@pytest.fixture
def installed(monkeypatch):
    monkeypatch.setattr(sentence_models, "find_spec", lambda name: name)


@pytest.fixture
def missing(monkeypatch):
    monkeypatch.setattr(sentence_models, "find_spec", lambda name: None)


def folder(path, architecture="LlamaForCausalLM", weights="w"):
    """What looks like a model from outside."""
    path.mkdir()
    (path / "config.json").write_text(json.dumps({"architectures": [architecture]}))
    (path / "model.safetensors").write_text(weights)
    return str(path)


def worded():
    scenario = small_scenario()
    texts = tuple(f"thing {at}" for at in range(scenario.interactions.n_items))
    return replace(scenario, interactions=replace(scenario.interactions, item_texts=texts))


@pytest.mark.parametrize("word", ["/no/such/folder", "a/b/c", "llama", "./models/llama"])
def test_a_word_that_names_no_model_is_refused(word, installed):
    for asked in (f"hnlmrec(model={word})", f"random+hnlmrec(model={word})"):
        with pytest.raises(UserError, match="must be a folder with a model of Hugging Face"):
            recipe(asked)
    with pytest.raises(UserError, match=r"tiny_lm\(model=...\) must be a folder"):
        CellSpec("small", f"tiny_lm(model={word})", "random").backbone_config()


def test_a_folder_without_a_model_is_refused(tmp_path, installed):
    rule = "lacks a readable config.json or weights as .safetensors"
    with pytest.raises(UserError, match=rule):
        language_models.check_model("tiny_lm", str(tmp_path))
    path = folder(tmp_path / "m")
    language_models.check_model("tiny_lm", path, causal=True)
    (tmp_path / "m" / "model.safetensors").unlink()
    with pytest.raises(UserError, match=rule):
        language_models.check_model("tiny_lm", path)
    (tmp_path / "m" / "model.safetensors").write_text("w")
    (tmp_path / "m" / "config.json").write_text("{broken")
    with pytest.raises(UserError, match=rule):
        language_models.check_model("tiny_lm", path)


def test_items_are_written_by_causal_models_alone(tmp_path, installed):
    path = folder(tmp_path / "m", "BertModel")
    language_models.check_model("hnlmrec", path)
    with pytest.raises(UserError, match="must be a causal language model .* is BertModel"):
        language_models.check_model("tiny_lm", path, causal=True)


@pytest.mark.parametrize("option", ["backbone", "method"])
@pytest.mark.parametrize("word", ["folder", "owner/some-model"])
def test_without_the_extra_a_run_ends_in_one_sentence(word, option, missing, tmp_path):
    model = folder(tmp_path / "m") if word == "folder" else word
    backbone = f"tiny_lm(model={model})" if option == "backbone" else "mf"
    method = f"hnlmrec(model={model})" if option == "method" else "random"
    words = ["run", "-d", DATA, "-b", backbone, "-m", method, "-o", str(tmp_path / "out")]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2 and not (tmp_path / "out").exists()
    assert "needs packages that are not installed: transformers, peft" in done.output
    assert "pip install 'negbench[text]'" in done.output
    assert "Traceback" not in done.output and len(done.output.strip().splitlines()) == 1


def test_nothing_is_imported_for_it_before_it_is_used():
    code = (
        "import sys; from negbench.composition import recipe; "
        "from negbench.backbones import tiny_lm; "
        "recipe('hnlmrec'); tiny_lm.Config(); "
        "assert not {'transformers', 'peft', 'negbench.texts.lora'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_cell_goes_by_what_a_folder_holds_and_not_by_where_it_lies(tmp_path, installed):
    one, same, other = (
        folder(tmp_path / name, weights=held) for name, held in (("a", "x"), ("b", "x"), ("c", "y"))
    )
    scenario, seen = worded(), []
    for path in (one, same, other):
        for words in ((f"tiny_lm(model={path})", "random"), ("mf", f"hnlmrec(model={path})")):
            resolved = CellSpec("small", *words).resolve(scenario)
            assert str(tmp_path) not in str(resolved) and "model=folder-" in str(resolved)
            seen.append(resolved)
    assert seen[0] == seen[2] and seen[1] == seen[3]
    assert seen[0] != seen[4] and seen[1] != seen[5]
    hub = CellSpec("small", "tiny_lm(model=owner/some-model)", "random").resolve(scenario)
    assert hub["backbone_config"]["model"] == "owner/some-model"


def test_texts_are_part_of_a_cell_whose_model_may_read_them(tmp_path, installed):
    np.save(tmp_path / "t.npy", np.eye(30))
    spec = CellSpec(
        "small",
        "mf",
        f"hnlmrec(model={folder(tmp_path / 'm')})",
        encoder=str(tmp_path / "t.npy"),
    )
    scenario = worded()
    data = replace(scenario.interactions, item_texts=("same",) * scenario.interactions.n_items)
    moved = replace(scenario, interactions=data)
    first, second = (spec.resolve(each) for each in (scenario, moved))
    assert first["texts"] == second["texts"], "a table reads no texts"
    assert first["read"] != second["read"]
    assert "read" not in replace(spec, method="hnlmrec").resolve(scenario)


def test_titles_need_texts(tmp_path, installed):
    model = folder(tmp_path / "m")
    spec = CellSpec("small", f"tiny_lm(model={model},start=titles)", "random")
    assert "needs texts, which small" in (unfit(spec, small_scenario()) or "")
    assert unfit(spec, worded()) is None
    assert unfit(replace(spec, backbone=f"tiny_lm(model={model})"), small_scenario()) is None
    with pytest.raises(UserError, match="`start=titles` takes the words of a `model`"):
        replace(spec, backbone="tiny_lm(start=titles)").backbone_config()


@pytest.mark.parametrize(
    "wrong",
    ["lora_rank=0", "lora_alpha=0", "lora_dropout=1", "lora_lr=0", "tokens=3", "pairs=0"]
    + ["lora_batch=0", "signals=cf", "texts=random"],
)
def test_what_has_no_meaning_is_refused(wrong, tmp_path, installed):
    with pytest.raises(UserError, match=wrong.replace("=", ".*").replace("cf", "").strip("0123")):
        recipe(f"hnlmrec(model={folder(tmp_path / 'm')},{wrong})")


@pytest.mark.parametrize("wrong", ["lora_rank=0", "lora_alpha=0", "lora_dropout=1"])
def test_the_backbone_refuses_the_same(wrong):
    with pytest.raises(UserError, match=f"`{wrong.partition('=')[0]}` must be"):
        CellSpec("small", f"tiny_lm({wrong})", "random").backbone_config()
