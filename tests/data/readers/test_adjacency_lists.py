"""Words and lines of a text, cut in pieces, against Python's own split."""

import numpy as np
import pytest

from negbench.data.readers import adjacency_lists
from negbench.data.readers.adjacency_lists import LONGEST, split_words

TEXT = b"0 1 22\t3\r\n\n 1  4\n  \nlonger-word 5\x0b6\n7 8"


def by_hand(blob):
    pairs = [
        (word, n) for n, line in enumerate(blob.split(b"\n"), 1) for word in line.split() or ()
    ]
    return [word for word, _ in pairs], [n for _, n in pairs]


@pytest.mark.parametrize("piece", [1, 3, 9, 1 << 20])
@pytest.mark.parametrize("blob", [TEXT, TEXT + b"\n", b"", b"\n\n", b"one"])
def test_words_and_their_lines_whatever_the_piece(blob, piece, monkeypatch):
    monkeypatch.setattr(adjacency_lists, "PIECE", piece)
    words, lines = split_words(blob)
    assert (words.tolist(), lines.tolist()) == by_hand(blob)
    assert words.dtype.kind == "S" and lines.dtype == np.int64


def test_a_word_too_long_is_refused_with_its_line(monkeypatch):
    monkeypatch.setattr(adjacency_lists, "PIECE", 2)
    with pytest.raises(OverflowError, match=r"line 3: a word of 1001 letters"):
        split_words(b"1 2\n3 4\n5 " + b"6" * (LONGEST + 1) + b"\n")
