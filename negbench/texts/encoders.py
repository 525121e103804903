"""Text vectors of items by the encoder that `--encoder` names, encoded once and cached."""

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from negbench.errors import DataError, UserError, did_you_mean
from negbench.protocol.text_table import TextTable
from negbench.storage.atomic_write import write_bytes
from negbench.texts.precomputed import PrecomputedVectors
from negbench.texts.sentence_models import HUB, MiniLM, SentenceModel
from negbench.texts.tfidf import TfIdf

NAMES = ("tfidf", "minilm")
DEFAULT = "tfidf"


class Encoder(Protocol):
    """A text encoder."""

    @property
    def identity(self) -> str:
        """Name and version: what the vectors depend on beside the texts."""
        ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of texts, [n, T]."""
        ...


def encoder_of(word: str) -> Encoder | PrecomputedVectors:
    """The encoder that a word names: tfidf, minilm, a `.npy` file, a folder with a
    model, or a model of the hub by its id.

    Raises UserError for a word that is none of these, and where the extra is missing.
    """
    if word == "tfidf":
        return TfIdf()
    model: MiniLM | SentenceModel
    path = Path(word).expanduser()
    if path.suffix == ".npy":
        if not path.is_file():
            raise UserError(f"--encoder must name a file that is there; {path} is not")
        return PrecomputedVectors(path)
    if word == "minilm":
        model = MiniLM()
    elif path.is_dir() or HUB.fullmatch(word):
        model = SentenceModel(str(path) if path.is_dir() else word, path.is_dir())
    else:
        what = did_you_mean(word, list(NAMES))
        raise UserError(
            "--encoder must be tfidf, minilm, a .npy file, a folder with a model or the id "
            f"OWNER/NAME of one on the hub; got {word!r}; {what}"
        )
    model.check_installed()
    return model


def is_precomputed(word: str) -> bool:
    """Whether a word names a file of vectors, which needs no texts."""
    return word.endswith(".npy")


def label(word: str) -> str:
    """The encoder's label in a variant: its name, else its identity."""
    return word if word in NAMES else encoder_of(word).identity


def vectors_identity(word: str, texts: Sequence[str] | None) -> dict[str, str]:
    """What the vectors depend on: the encoder's identity, and a hash of the texts that it reads."""
    encoder = encoder_of(word)
    read = None if isinstance(encoder, PrecomputedVectors) else texts
    content = "" if read is None else cache_key("", read)[:12]
    return {"encoder": encoder.identity, "texts": content}


def table_of(
    word: str,
    texts: Sequence[str] | None,
    n_items: int,
    *,
    device: torch.device | str = "cpu",
    cache: Path | None = None,
) -> TextTable:
    """The text vectors of all items; an item without text has zeros, whatever the encoder.

    Raises DataError if the data set has no texts and the encoder needs them.
    """
    encoder = encoder_of(word)
    if isinstance(encoder, PrecomputedVectors):
        return TextTable.of(encoder.read(n_items), device, texts)
    if texts is None:
        raise DataError(f"--encoder {word} needs the texts of items, which these data do not have")
    path = (cache or _cache_folder()) / f"{cache_key(encoder.identity, texts)}.npz"
    vectors = _read_cache(path, n_items)
    if vectors is None:
        vectors = _encode(encoder, texts)
        _write_cache(path, vectors)
    return TextTable.of(vectors, device, texts)


def cache_key(identity: str, texts: Sequence[str]) -> str:
    """File name of vectors in the cache: a hash of the encoder, its version and the texts."""
    return hashlib.sha256(json.dumps([identity, list(texts)]).encode()).hexdigest()[:32]


def _encode(encoder: Encoder, texts: Sequence[str]) -> NDArray[np.float32]:
    with_text = [at for at, text in enumerate(texts) if text.strip()]
    filled = [texts[at] for at in with_text]
    encoded = encoder.encode(filled) if filled else np.zeros((0, 1), np.float32)
    vectors = np.zeros((len(texts), encoded.shape[1]), np.float32)
    vectors[with_text] = encoded
    return vectors


def _cache_folder() -> Path:
    import pooch

    return Path(pooch.os_cache("negbench")) / "texts"


def _read_cache(path: Path, n_items: int) -> NDArray[np.float32] | None:
    """The cached vectors [I, T]; None if there are none or the file is damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            vectors: NDArray[np.float32] = file["vectors"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError):
        return None
    return vectors if vectors.ndim == 2 and len(vectors) == n_items else None


def _write_cache(path: Path, vectors: NDArray[np.float32]) -> None:
    """Write to a temporary file and rename; a cache that cannot be written is skipped."""
    content = io.BytesIO()
    np.savez_compressed(content, vectors=vectors)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, content.getvalue())
    except OSError:
        return
