"""Encoders by name, cache keys, and the vectors of items without text."""

import importlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from negbench.errors import DataError, UserError
from negbench.texts import encoders, sentence_models
from negbench.texts.precomputed import PrecomputedVectors
from negbench.texts.tfidf import TfIdf

TEXTS = ("red apple pie", "green apple", "red brick house", "", "green brick house")


class Counting:
    """An encoder that counts its calls."""

    def __init__(self, identity: str = "one") -> None:
        self.identity, self.calls = identity, 0

    def encode(self, texts):
        self.calls += 1
        return np.array([[len(text), 1.0] for text in texts], np.float32)


@pytest.fixture
def counting(monkeypatch):
    encoder = Counting()
    monkeypatch.setattr(encoders, "encoder_of", lambda word: encoder)
    return encoder


def table(cache, texts=TEXTS):
    return encoders.table_of("counting", texts, len(texts), cache=cache)


def test_no_text_is_zeros_and_a_mask(tmp_path, counting):
    text_table = table(tmp_path)
    assert text_table.known.tolist() == [True, True, True, False, True]
    assert text_table.vectors[3].tolist() == [0.0, 0.0]
    assert np.allclose(text_table.vectors[text_table.known].norm(dim=1), 1)


def test_texts_that_were_encoded_are_not_encoded_again(tmp_path, counting):
    first, second = table(tmp_path), table(tmp_path)
    assert counting.calls == 1 and bool((first.vectors == second.vectors).all())
    table(tmp_path, (*TEXTS[:-1], "green brick wall"))
    counting.identity = "two"
    table(tmp_path)
    assert counting.calls == 3


def test_the_key_goes_by_texts_encoder_and_version():
    keys = [
        encoders.cache_key("tfidf-1-128", TEXTS),
        encoders.cache_key("tfidf-2-128", TEXTS),
        encoders.cache_key("tfidf-1-64", TEXTS),
        encoders.cache_key("tfidf-1-128", TEXTS[::-1]),
        encoders.cache_key("tfidf-1-128", ("red apple piegreen apple", *TEXTS[2:])),
    ]
    assert len(set(keys)) == len(keys)
    assert keys[0] == encoders.cache_key(TfIdf().identity, list(TEXTS))


def test_a_damaged_cache_is_made_anew_and_none_is_done_without(tmp_path, counting):
    good = table(tmp_path).vectors
    (kept,) = tmp_path.glob("*.npz")
    kept.write_bytes(kept.read_bytes()[:40])
    assert bool((table(tmp_path).vectors == good).all()) and counting.calls == 2
    (tmp_path / "file").write_text("no folder")
    assert bool((table(tmp_path / "file").vectors == good).all())


def test_a_catalogue_without_any_text_is_all_zeros(tmp_path):
    text_table = encoders.table_of("tfidf", ("", " "), 2, cache=tmp_path)
    assert not text_table.known.any() and not text_table.vectors.any()


@pytest.mark.parametrize("word", ["tfdf", "minlm", "/no/such/folder", "a/b/c", "word2vec"])
def test_an_unknown_word_is_refused(word):
    with pytest.raises(UserError, match="--encoder must be tfidf, minilm, a .npy file"):
        encoders.encoder_of(word)


@pytest.mark.parametrize("word", ["minilm", "owner/some-model", "folder"])
def test_without_the_extra_one_sentence_names_the_pip_line(word, monkeypatch, tmp_path):
    monkeypatch.setattr(sentence_models, "find_spec", lambda name: None)
    named = str(tmp_path) if word == "folder" else word
    with pytest.raises(UserError, match=r"pip install 'negbench\[text\]'") as refused:
        encoders.encoder_of(named)
    assert "\n" not in str(refused.value) and "sentence-transformers" in str(refused.value)


def test_a_table_goes_by_what_it_holds(tmp_path):
    vectors = np.array([[3, 4], [0, 0], [0, 2]])
    for name in ("a.npy", "b.npy"):
        np.save(tmp_path / name, vectors)
    first, second = (str(tmp_path / name) for name in ("a.npy", "b.npy"))
    text_table = encoders.table_of(first, None, 3)
    assert text_table.vectors.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0, 0], [0, 1]]
    assert text_table.known.tolist() == [True, False, True]
    assert encoders.vectors_identity(first, None) == encoders.vectors_identity(second, ("x",) * 3)
    assert encoders.is_precomputed(first) and not encoders.is_precomputed("tfidf")


@pytest.mark.parametrize(
    "wrong", [np.ones((2, 4)), np.ones(3), np.full((3, 2), np.nan), np.array([["a"]] * 3)]
)
def test_a_table_of_something_else_is_refused(tmp_path, wrong):
    np.save(tmp_path / "t.npy", wrong)
    with pytest.raises(DataError, match=r"must be numbers \[3, T\]"):
        PrecomputedVectors(tmp_path / "t.npy").read(3)
    with pytest.raises(DataError, match="cannot be read"):
        PrecomputedVectors(Path("/no/such.npy")).read(3)


def test_a_folder_goes_by_its_files(tmp_path):
    names = []
    for content in ("one", "two"):
        folder = tmp_path / content
        folder.mkdir()
        (folder / "weights").write_text(content)
        names.append(sentence_models.SentenceModel(str(folder), True).identity)
    assert len(set(names)) == 2
    assert sentence_models.SentenceModel("owner/model", False).identity == "hub-owner/model"


@pytest.mark.text
@pytest.mark.skipif(
    importlib.util.find_spec(sentence_models.WHEEL) is None, reason="no extra `text`"
)
def test_minilm_is_the_model_in_the_wheel_and_knows_what_is_alike(tmp_path):
    texts = ("a fairy tale for children", "stories that kids love at bedtime", "car repair", "")
    text_table = encoders.table_of("minilm", texts, 4, cache=tmp_path)
    near = text_table.vectors @ text_table.vectors.T
    assert text_table.width == 384 and not text_table.known[3] and not text_table.vectors[3].any()
    assert float(near[0, 1]) > float(near[0, 2]) + 0.2
    own = importlib.import_module(sentence_models.WHEEL).load_model("cpu").encode(list(texts[:3]))
    assert np.allclose(
        text_table.vectors[:3], own / np.linalg.norm(own, axis=1, keepdims=True), atol=1e-5
    )


def test_an_edited_table_or_model_has_another_identity(tmp_path):
    path, folder = tmp_path / "v.npy", tmp_path / "model"
    folder.mkdir()
    identities = set()
    for value in (1.0, 2.0):
        np.save(path, np.full((3, 2), value))
        (folder / "config.json").write_text(f"[{value}]")
        identities |= {PrecomputedVectors(path).identity, sentence_models.folder_hash(folder)}
    assert len(identities) == 4


def test_a_relative_table_is_the_one_of_the_working_folder(tmp_path, monkeypatch):
    identities = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        np.save("v.npy", np.full((3, 2), float(len(identities) + 1)))
        identities.add(PrecomputedVectors(Path("v.npy")).identity)
    assert len(identities) == 2
