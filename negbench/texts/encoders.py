"""From the word after `--encoder` to text vectors, encoded once and kept in the cache."""

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
from negbench.texts.precomputed import Given
from negbench.texts.sentence_models import HUB, MiniLM, SentenceModel
from negbench.texts.tfidf import TfIdf

NAMES = ("tfidf", "minilm")
DEFAULT = "tfidf"


class Encoder(Protocol):
    """Turns texts into vectors."""

    @property
    def identity(self) -> str:
        """What the vectors depend on beside the texts."""
        ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors [n, T]."""
        ...


def encoder_of(word: str) -> Encoder | Given:
    """tfidf, minilm, a `.npy` file, a folder with a model, or a model of the hub by its id.

    Raises UserError for a word that is none of these, and where the extra is missing.
    """
    if word == "tfidf":
        return TfIdf()
    made: MiniLM | SentenceModel
    path = Path(word).expanduser()
    if path.suffix == ".npy":
        if not path.is_file():
            raise UserError(f"--encoder must name a file that is there; {path} is not")
        return Given(path)
    if word == "minilm":
        made = MiniLM()
    elif path.is_dir() or HUB.fullmatch(word):
        made = SentenceModel(str(path) if path.is_dir() else word, path.is_dir())
    else:
        what = did_you_mean(word, list(NAMES))
        raise UserError(
            "--encoder must be tfidf, minilm, a .npy file, a folder with a model or the id "
            f"OWNER/NAME of one on the hub; got {word!r}; {what}"
        )
    made.ready()
    return made


def is_given(word: str) -> bool:
    """Whether it brings vectors of its own, so that data without texts will do."""
    return word.endswith(".npy")


def mark(word: str) -> str:
    """What a variant calls an encoder: its name, else what it goes by."""
    return word if word in NAMES else encoder_of(word).identity


def told(word: str, texts: Sequence[str] | None) -> dict[str, str]:
    """What makes vectors what they are: the encoder, and a hash of the texts that it reads."""
    encoder = encoder_of(word)
    read = None if isinstance(encoder, Given) else texts
    content = "" if read is None else key("", read)[:12]
    return {"encoder": encoder.identity, "texts": content}


def table_of(
    word: str,
    texts: Sequence[str] | None,
    n_items: int,
    *,
    device: torch.device | str = "cpu",
    cache: Path | None = None,
) -> TextTable:
    """The vectors of all items; zeros without words, whatever an encoder makes of no text."""
    encoder = encoder_of(word)
    if isinstance(encoder, Given):
        return TextTable.of(encoder.read(n_items), device, texts)
    if texts is None:
        raise DataError(f"--encoder {word} needs the texts of items, which these data do not have")
    kept = (cache or _cache()) / f"{key(encoder.identity, texts)}.npz"
    vectors = _kept(kept, n_items)
    if vectors is None:
        vectors = _encoded(encoder, texts)
        _keep(kept, vectors)
    return TextTable.of(vectors, device, texts)


def key(identity: str, texts: Sequence[str]) -> str:
    """The name of vectors in the cache: a hash of the encoder, its version and the texts."""
    return hashlib.sha256(json.dumps([identity, list(texts)]).encode()).hexdigest()[:32]


def _encoded(encoder: Encoder, texts: Sequence[str]) -> NDArray[np.float32]:
    there = [at for at, text in enumerate(texts) if text.strip()]
    found = encoder.encode([texts[at] for at in there]) if there else np.zeros((0, 1), np.float32)
    vectors = np.zeros((len(texts), found.shape[1]), np.float32)
    vectors[there] = found
    return vectors


def _cache() -> Path:
    import pooch

    return Path(pooch.os_cache("negbench")) / "texts"


def _kept(path: Path, n_items: int) -> NDArray[np.float32] | None:
    """What the cache holds; a damaged file counts as none."""
    try:
        with np.load(path, allow_pickle=False) as file:
            found: NDArray[np.float32] = file["vectors"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError):
        return None
    return found if found.ndim == 2 and len(found) == n_items else None


def _keep(path: Path, vectors: NDArray[np.float32]) -> None:
    """Write aside and rename; a cache that cannot be written is done without."""
    content = io.BytesIO()
    np.savez_compressed(content, vectors=vectors)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, content.getvalue())
    except OSError:
        return
