"""TF-IDF and its main directions: weights by hand, cosines kept, and the same vectors each time."""

import math

import numpy as np
import pytest

from negbench.texts.tfidf import TfIdf, directions, terms, tfidf_matrix

TEXTS = ["Red apple, RED pie", "a red house", "house of apple", "nothing alike"]


def test_terms_are_words_and_pairs():
    assert terms("Sci-Fi, 1984!") == ["sci", "fi", "1984", "sci fi", "fi 1984"]


def test_weights_by_hand():
    weights = tfidf_matrix(TEXTS).toarray()
    # Words of two texts: apple (0, 2), house (1, 2), red (0 twice, 1), each in two of four texts.
    assert weights.shape == (4, 3)
    twice = 1 + math.log(2)
    expected = np.array([[1, 0, twice], [0, 1, 1], [1, 1, 0], [0, 0, 0]])
    length = np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.allclose(weights, expected / np.where(length > 0, length, 1))


def test_all_directions_keep_every_cosine():
    matrix = tfidf_matrix(TEXTS)
    vectors = directions(matrix, 128)
    assert np.allclose(vectors @ vectors.T, (matrix @ matrix.T).toarray(), atol=1e-6)
    assert not vectors[3].any()


def many(n=80, seed=0):
    rng = np.random.default_rng(seed)
    return [" ".join(f"w{w}" for w in rng.zipf(1.3, 9) % 50) for _ in range(n)]


@pytest.mark.parametrize("width", [3, 8])
def test_fewer_directions_are_the_best_and_the_same_each_time(width):
    matrix = tfidf_matrix(many())
    vectors = directions(matrix, width)
    assert vectors.shape == (80, width)
    assert np.array_equal(vectors, directions(tfidf_matrix(many()), width))
    size = np.linalg.svd(matrix.toarray(), compute_uv=False)
    assert np.allclose(np.linalg.norm(vectors, axis=0), size[:width], rtol=1e-4)
    assert np.array_equal(vectors, TfIdf(width).encode(many()))


def test_texts_in_another_order_have_the_same_vectors():
    texts = many()
    order = np.random.default_rng(1).permutation(len(texts))
    again = TfIdf(6).encode([texts[at] for at in order])
    assert np.allclose(TfIdf(6).encode(texts)[order], again, atol=1e-4)
