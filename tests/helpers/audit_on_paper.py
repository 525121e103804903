"""Toy lists of 5 users and 6 items, small enough to audit by hand.

pop      item 0: 4, 1: 3, 2: 1, 3: 1, 4: 1, 5: 0           (train pairs)
bands    head {0, 1}, mid {2, 3}, tail {4, 5}
user     train       list       test items, each with its rank
0        0 1         2 3        2:1  5:4
1        0 1 2       3 4        3:1
2        0 3         1 2        1:1  4:3
3        0           1 2        2:2  3:5  5:3
4        1 4         0 -        0:1  3:2
"""

import numpy as np

from negbench.data.interactions import Csr
from negbench.scenario.popularity_bands import Bands


def csr(rows):
    users = [u for u, items in enumerate(rows) for _ in items]
    return Csr.of(users, [i for items in rows for i in items], n_rows=len(rows), n_columns=6)


TRAIN = csr([[0, 1], [0, 1, 2], [0, 3], [0], [1, 4]])
TEST = csr([[2, 5], [3], [1, 4], [2, 3, 5], [0, 3]])
USERS = np.arange(5)
TOP = np.array([[2, 3], [3, 4], [1, 2], [1, 2], [0, -1]], np.int32)
RANKS = np.array([1, 4, 1, 1, 3, 2, 5, 3, 1, 2], np.int32)
LABELS = np.array([0, 0, 1, 1, 2, 2], np.int8)
BANDS = Bands(LABELS, ("head", "mid", "tail"), "by hand")
POP = TRAIN.counts
EXPOSED = np.array([1, 2, 3, 2, 1, 0])
NAN = float("nan")
