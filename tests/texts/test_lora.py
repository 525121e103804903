"""LoRA: the model begins as pretrained, draws from our generators, copies share frozen weights."""

import copy
import shutil
from pathlib import Path

import pytest
import torch
from helpers.tiny_language_model import TEXTS, WIDTH, minilm, tiny_llama

from negbench.errors import UserError
from negbench.ops import rng

pytestmark = pytest.mark.text
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return tiny_llama(tmp_path_factory.mktemp("models") / "llama")


def adapted(word, dropout=0.3, seed=0):
    from negbench.texts.language_models import LoRA
    from negbench.texts.lora import LoRAModel

    return LoRAModel(word, LoRA(4, 8.0, dropout), rng.stream(seed, "init"), CPU)


def reader(word, tokens=32):
    from negbench.texts.language_models import LoRA
    from negbench.texts.text_reader import TextReader

    return TextReader(word, LoRA(4, 8.0, 0.3), tokens, generator=rng.stream(0, "init"), device=CPU)


def moved(model):
    """Low-rank weights that do something."""
    for weight in model.weights.values():
        weight.data.normal_(std=0.3, generator=rng.stream(0, "moved"))
    return model


def test_it_begins_as_the_model_came_and_the_global_stream_stays(llama):
    import transformers

    ids = torch.randint(100, (3, 7), generator=rng.stream(0, "ids"))
    plain = transformers.AutoModel.from_pretrained(llama).eval()(ids).last_hidden_state
    before = torch.get_rng_state()
    model = adapted(llama)
    torch.testing.assert_close(model.states(ids=ids), plain)
    assert torch.equal(before, torch.get_rng_state())
    assert not torch.allclose(moved(model).states(ids=ids), plain)


def test_beside_every_matrix_of_the_attention_and_nowhere_else(llama):
    model = adapted(llama)
    adapted_names = {name.partition(".lora")[0] for name in model.weights}
    expected = {f"layers.{n}.self_attn.{m}_proj" for n in range(2) for m in "qkvo"}
    assert adapted_names == expected and len(model.weights) == 2 * len(expected)
    assert {name for name, p in model.model.named_parameters() if p.requires_grad} == set(
        model.weights
    )


def test_weights_and_dropout_come_from_generators_alone(llama):
    one, again, other = adapted(llama), adapted(llama), adapted(llama, seed=1)
    for name, weight in one.weights.items():
        assert torch.equal(weight, again.weights[name])
        assert torch.equal(weight, other.weights[name]) == ("lora_B" in name)
    moved(one)
    ids = torch.arange(6).unsqueeze(0)
    seen = [one.states(ids=ids, generator=rng.stream(s, "drop")) for s in (0, 0, 1)]
    assert torch.equal(seen[0], seen[1]) and not torch.equal(seen[0], seen[2])
    rest = [one.states(ids=ids) for _ in range(2)]
    assert torch.equal(*rest) and not torch.equal(rest[0], seen[0])


def test_a_copy_learns_by_itself_and_shares_what_is_frozen(llama):
    model = moved(adapted(llama))
    ids = torch.arange(6).unsqueeze(0)
    before, copied = model.states(ids=ids).detach(), copy.deepcopy(model)
    assert torch.equal(copied.states(ids=ids), before)
    for weight in model.weights.values():
        weight.data.zero_()
    assert torch.equal(copied.states(ids=ids), before)
    assert not torch.equal(model.states(ids=ids), before)
    frozen = {id(p) for p in model.model.parameters() if not p.requires_grad}
    assert {id(p) for p in copied.model.parameters() if not p.requires_grad} == frozen


@pytest.mark.parametrize("which", ["llama", "minilm"])
def test_pooling_by_hand_whatever_the_padding(which, llama):
    encoder = reader(llama if which == "llama" else minilm())
    moved(encoder.model)
    rows = encoder.tokenize([TEXTS[3], "", "thing of", " ".join(TEXTS)])
    together = encoder.vectors(rows).detach()
    assert not together[1].any() and rows[1] == [] and max(map(len, rows)) == 32
    for at in (0, 2, 3):
        states = encoder.model.states(ids=torch.tensor([rows[at]]))[0]
        alone = states[-1] if which == "llama" else states.mean(0)
        torch.testing.assert_close(together[at], alone / alone.norm(), atol=1e-5, rtol=1e-4)
    assert encoder.vectors([[], []]).shape == (2, encoder.model.width) and encoder.model.causal == (
        which == "llama"
    )


@pytest.mark.parametrize("damage", ["weights", "tensor", "config"])
def test_a_folder_that_cannot_be_loaded_is_refused_in_one_sentence(damage, llama, tmp_path):
    import safetensors.torch as safe

    where = Path(shutil.copytree(llama, tmp_path / "m"))
    if damage == "weights":
        (where / "model.safetensors").write_bytes(b"not weights")
    elif damage == "tensor":
        held = safe.load_file(where / "model.safetensors")
        held.pop("model.layers.1.self_attn.q_proj.weight")
        safe.save_file(held, where / "model.safetensors", {"format": "pt"})
    else:
        (where / "config.json").write_text('{"model_type": "none such"}')
    with pytest.raises(UserError, match="a language model must be") as refused:
        adapted(str(where))
    assert "\n" not in str(refused.value)


WITH_LORA = {  # how many matrices of two blocks
    "GPT2LMHeadModel": ("GPT2Config", dict(n_embd=32, n_layer=2, n_head=4), 4),
    "GPTNeoXForCausalLM": ("GPTNeoXConfig", dict(intermediate_size=48), 4),
    "Qwen2ForCausalLM": ("Qwen2Config", dict(intermediate_size=48, num_key_value_heads=2), 8),
    "BertModel": ("BertConfig", dict(intermediate_size=48), 8),
    "DistilBertModel": ("DistilBertConfig", dict(dim=32, hidden_dim=48, n_layers=2, n_heads=4), 8),
}
SHAPE = dict(vocab_size=90, hidden_size=32, num_hidden_layers=2, num_attention_heads=4)


def saved_model(name, settings, folder):
    import transformers

    config = getattr(transformers, settings[0])(**(SHAPE | settings[1]))
    getattr(transformers, name)(config).save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("name", WITH_LORA)
def test_other_families_read_alike(name, tmp_path, recwarn, llama):
    model = moved(adapted(saved_model(name, WITH_LORA[name], tmp_path)))
    assert len(model.weights) == 2 * WITH_LORA[name][2]
    assert not [w for w in recwarn if "fan_in" in str(w.message)]
    ids = torch.randint(3, 90, (1, 5), generator=rng.stream(0, "ids"))
    wider = torch.nn.functional.pad(ids, (0, 3))
    alone, beside = model.states(ids=ids), model.states(ids=wider, mask=(wider > 0).long())
    torch.testing.assert_close(beside[:, :5], alone, atol=1e-5, rtol=1e-4)
    (alone * torch.randn(alone.shape, generator=rng.stream(0, "loss"))).sum().backward()
    assert all(bool(weight.grad.any()) for weight in model.weights.values())
    other = ids.clone()
    other[0, 4] = (ids[0, 4] + 1) % 90
    first = model.states(ids=other)[0, 0]
    assert torch.allclose(first, alone[0, 0], atol=1e-6) == model.causal


def test_what_has_no_attention_or_two_stacks_is_refused(tmp_path, llama):
    two = ("T5Config", dict(d_model=32, d_kv=8, d_ff=48, num_layers=1, num_heads=4))
    with pytest.raises(UserError, match="has an encoder and a decoder"):
        adapted(saved_model("T5Model", two, tmp_path / "t5"))
    with pytest.raises(UserError, match="linear layers in parts called attention"):
        adapted(saved_model("MambaForCausalLM", ("MambaConfig", {}), tmp_path / "mamba"))


def test_the_width_is_the_models(llama):
    assert adapted(llama).width == WIDTH and adapted(llama).longest == 64
