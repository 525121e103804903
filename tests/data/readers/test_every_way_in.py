"""The same pairs written in every layout and encoding that is read give the same interactions."""

import gzip

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from negbench.data.readers.column_roles import Columns
from negbench.data.readers.user_files import read

START = 1_600_000_000
IDS = {
    "numbers": str,
    "far": lambda n: str(10**12 + n),
    "leading": lambda n: f"{n:05}x",
    "text": lambda n: f"é {n}!",
}
TIMES = {
    "s": lambda t: str(t),
    "ms": lambda t: str(t * 10**3),
    "us": lambda t: str(t * 10**6),
    "ns": lambda t: str(t * 10**9),
    "float": lambda t: f"{t}.0",
    "iso": lambda t: str(np.datetime64(t, "s")),
    "zoned": lambda t: pd.Timestamp(t, unit="s", tz="America/New_York").isoformat(),
}
TABLES = {
    "csv": (",", "user_id,item_id,time"),
    "tsv": ("\t", "user_id\titem_id\ttime"),
    "inter": ("\t", "user_id:token\titem_id:token\ttime:float"),
    "txt": (" ", "user_id item_id time"),
    "semicolon.csv": (";", "user_id;item_id;time"),
    "bare.tsv": ("\t", ""),
}
ROWS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 9)), min_size=2, max_size=25, unique=True
)
QUIET = settings(
    max_examples=8,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def same(one, other):
    assert one.users.tolist() == other.users.tolist()
    assert one.items.tolist() == other.items.tolist()
    assert one.order == other.order
    assert (one.times is None) == (other.times is None)
    assert one.times is None or one.times.tolist() == other.times.tolist()
    assert [str(each) for each in one.user_ids] == [str(each) for each in other.user_ids]
    assert [str(each) for each in one.item_ids] == [str(each) for each in other.item_ids]


def timed(rows, ids):
    rng = np.random.default_rng(len(rows))
    times = START + 977 * rng.permutation(len(rows))
    return [(ids(u), ids(i), int(t)) for (u, i), t in zip(rows, times, strict=True)]


def reference(tmp_path, rows):
    path = tmp_path / "reference.csv"
    path.write_text("user,item,time\n" + "".join(f"{u},{i},{t}\n" for u, i, t in rows))
    return read(path)


@pytest.mark.parametrize("kind", IDS)
@pytest.mark.parametrize("form", TABLES)
@pytest.mark.parametrize("zipped", ["", ".gz"])
@QUIET
@given(rows=ROWS, clock=st.sampled_from(sorted(TIMES)), ends=st.sampled_from(["\n", "\r\n", "\r"]))
def test_tables_of_text(tmp_path, kind, form, zipped, rows, clock, ends):
    separator, header = TABLES[form]
    ids = IDS[kind] if separator != " " else lambda n: IDS[kind](n).replace(" ", "-")
    rows = timed(rows, ids)
    lines = [separator.join((u, i, TIMES[clock](t))) for u, i, t in rows]
    blob = ends.join([*([header] if header else []), *lines, ""]).encode()
    path = tmp_path / f"a.{form}{zipped}"
    path.write_bytes(gzip.compress(blob) if zipped else blob)
    numbered = Columns(user="1", item="2", time="3")
    if not header and kind in ("text", "leading") and clock in ("iso", "zoned"):
        return  # nothing tells its first line from a header, unless its ids come back
    same(read(path, None if header else numbered), reference(tmp_path, rows))


@pytest.mark.parametrize("kind", ["int", "float", "Int64", "str", "category", "bytes"])
@pytest.mark.parametrize("index", [None, "user_id", ["user_id", "item_id"]])
@QUIET
@given(rows=ROWS, clock=st.sampled_from(["s", "ns", "ms", "naive", "UTC", "Europe/Berlin"]))
def test_parquet(tmp_path, kind, index, rows, clock):
    rows = timed(rows, str)
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "time"])
    if kind == "bytes":
        frame["user_id"] = frame["user_id"].str.encode("utf-8")
    elif kind not in ("str", "category"):
        frame[["user_id", "item_id"]] = frame[["user_id", "item_id"]].astype(int).astype(kind)
    elif kind == "category":
        frame = frame.astype({"user_id": "category", "item_id": "category"})
    if clock in ("s", "ms", "ns"):
        frame["time"] *= {"s": 1, "ms": 10**3, "ns": 10**9}[clock]
    else:
        frame["time"] = pd.to_datetime(frame["time"], unit="s")
        if clock != "naive":
            frame["time"] = frame["time"].dt.tz_localize("UTC").dt.tz_convert(clock)
    frame = frame if index is None else frame.set_index(index)
    frame.to_parquet(tmp_path / "a.parquet")
    same(read(tmp_path / "a.parquet"), reference(tmp_path, rows))


@pytest.mark.parametrize("kind", IDS)
@pytest.mark.parametrize("separator", [" ", "\t", ","])
@QUIET
@given(rows=ROWS)
def test_lists_sequences_and_sessions(tmp_path, kind, separator, rows):
    def ids(n):
        return IDS[kind](n).replace(" ", "-")

    of = {}
    for user, item in sorted(rows, key=lambda row: row[0]):
        of.setdefault(user, []).append(ids(item))
    plain = tmp_path / "plain.csv"
    pairs = [(u, i) for u, items in of.items() for i in items]
    plain.write_text("user,item\n" + "".join(f"{ids(u)},{i}\n" for u, i in pairs))
    path = tmp_path / "a.txt"
    path.write_text("".join(separator.join([ids(u), *of[u]]) + "\n" for u in of))
    same(read(path, Columns(layout="lists")), read(plain))
    ordered = read(plain, Columns(order="rows"))
    same(read(path, Columns(layout="lists", order="rows")), ordered)
    lines = "".join(f"{ids(u)}\t{' '.join(of[u][:-1])}\t{of[u][-1]}\n" for u in of)
    inter = tmp_path / "a.inter"
    inter.write_text("user_id:token\titem_id_list:token_seq\titem_id:token\n" + lines)
    same(read(inter), ordered)
    path.write_text("".join(separator.join(of[u]) + "\n" for u in of))
    sequences = read(path, Columns(layout="sequences"))
    assert sequences.users.tolist() == ordered.users.tolist()
    assert sequences.item_ids.tolist() == ordered.item_ids.tolist()
    assert sequences.items.tolist() == ordered.items.tolist()
