"""TF-IDF text encoder with truncated SVD (LSA) of words and bigrams; needs no extra package.

    x_iw = (1 + log n_iw) (1 + log (1 + I) / (1 + I_w)),  rows of length 1
    X ~ U S V',   t_i = (U S)_i

n_iw counts word w in text i, I_w the texts that hold it. The vocabulary is the catalogue's own; a
word of one text carries no similarity and is left out. Signs and the start vector of the SVD are
fixed, so the same texts give the same vectors.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import svds

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class TfIdf:
    """Latent semantic analysis of the catalogue's texts."""

    width: int = 128
    """T at most; smaller catalogues have fewer directions."""

    @property
    def identity(self) -> str:
        """Name, version of this file and width: what the vectors depend on beside the texts."""
        return f"tfidf-1-{self.width}"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vectors of texts, [n, T]; zeros for a text that shares no word with any other."""
        return directions(tfidf_matrix(texts), self.width)


def terms(text: str) -> list[str]:
    """Lower-case words and bigrams of a text."""
    words = _WORD.findall(text.lower())
    return words + [f"{a} {b}" for a, b in pairwise(words)]


def tfidf_matrix(texts: Sequence[str]) -> sp.csr_matrix:
    """TF-IDF weights, [n, W], rows of length 1 (or 0)."""
    counts = [Counter(terms(text)) for text in texts]
    document_counts = Counter(word for each in counts for word in each)
    place = {
        word: at for at, word in enumerate(sorted(w for w, n in document_counts.items() if n > 1))
    }
    cells = [
        (row, place[word], 1 + np.log(n))
        for row, each in enumerate(counts)
        for word, n in each.items()
        if word in place
    ]
    rows, columns, values = zip(*cells, strict=True) if cells else ((), (), ())
    shape = (len(texts), max(1, len(place)))
    matrix = sp.csr_matrix((np.array(values, np.float64), (rows, columns)), shape=shape)
    holding = np.array([document_counts[word] for word in place] or [1])
    matrix = matrix @ sp.diags(1 + np.log((1 + len(texts)) / (1 + holding)))
    length = np.sqrt(matrix.multiply(matrix).sum(1)).A1
    return sp.csr_matrix(sp.diags(1 / np.where(length > 0, length, 1)) @ matrix)


def directions(matrix: sp.csr_matrix, width: int) -> NDArray[np.float32]:
    """U S of the largest `width` singular values, [n, T]; signs are fixed by each largest entry."""
    least = min(matrix.shape)
    if not matrix.nnz:
        return np.zeros((matrix.shape[0], 1), np.float32)
    if width < least:
        left, size, right = svds(matrix, k=width, v0=np.ones(least) / np.sqrt(least))
    else:
        left, size, right = np.linalg.svd(matrix.toarray(), full_matrices=False)
    order = np.argsort(-size)
    left, size, right = left[:, order], size[order], right[order]
    sign = np.sign(right[np.arange(len(size)), np.abs(right).argmax(1)])
    vectors: NDArray[np.float32] = (left * size * sign).astype(np.float32)
    vectors[np.diff(matrix.indptr) == 0] = 0
    return vectors
