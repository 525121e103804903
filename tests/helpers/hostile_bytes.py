"""Broken and hostile bytes: edits of good files, the same each time, or more of them if asked."""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

PIECES = [
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"'", b"\r", b"\r\n", b"\n", b"\n\n", b",", b"\t",
    b"::", b";", b" ", b"-1", b"1e400", b"nan", b"inf", b"1.0", b"9" * 30, b"2020-99-99",
    b"9999-12-31", b"1677-01-01", b"\\", b"\xc3\x28", b"\xe2\x80\xae", b"=1+1", b"x" * 5000,
    "é".encode("latin-1"), b"<script>", b"\\input{x}", b"../../x", b"#", b"0x10", b"1_000", b"None",
]  # fmt: skip
EDIT = st.tuples(st.sampled_from(["put", "cut", "again", "swap"]), st.floats(0, 1), st.floats(0, 1))
EDITS = st.lists(st.tuples(EDIT, st.sampled_from(PIECES)), min_size=1, max_size=4)
QUIET = settings(
    max_examples=int(os.environ.get("NEGBENCH_FUZZ", "150")),
    derandomize="NEGBENCH_FUZZ" not in os.environ,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def edited(blob: bytes, edits: list[tuple[tuple[str, float, float], bytes]]) -> bytes:
    for (kind, at, size), piece in edits:
        start = int(at * len(blob))
        end = start + int(size * 20)
        if kind == "put":
            blob = blob[:start] + piece + blob[start:]
        elif kind == "cut":
            blob = blob[:start] + blob[end:]
        elif kind == "again":
            blob = blob[:end] + blob[start:]
        else:
            blob = blob[:start] + piece[: end - start] + blob[end:]
    return blob
