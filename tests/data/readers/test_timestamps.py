"""Times of a file: one unit, one clock, and a word on what cannot be ordered."""

import datetime

import numpy as np
import pandas as pd
import pytest

from negbench.data.readers.column_roles import Columns
from negbench.data.readers.user_files import read
from negbench.errors import DataError
from negbench.scenario.splits import split

START = 1_600_000_000


def table(path, times):
    rows = "".join(f"a,i{n},{time}\n" for n, time in enumerate(times))
    path.write_text("user,item,time\n" + rows)
    return path


def noted(data, words):
    return any(words in note for note in data.notes)


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "UTC", None])
def test_a_zone_is_read_by_its_instants_across_the_change_of_the_clock(tmp_path, zone):
    utc = pd.date_range("2023-11-05T03:00", periods=12, freq="30min", tz="UTC")
    when = utc.tz_localize(None) if zone is None else utc.tz_convert(zone)
    frame = pd.DataFrame({"user": ["a"] * 12, "item": range(12), "time": when})
    frame.sample(frac=1, random_state=0).to_parquet(tmp_path / "a.parquet")
    data = read(tmp_path / "a.parquet")
    expected = [datetime.datetime.timestamp(each) for each in utc.to_pydatetime()]
    assert sorted(data.times.tolist()) == expected
    items = data.item_ids[data.items][np.argsort(data.times)]
    assert items.tolist() == list(range(12))
    assert noted(data, "read as UTC") == (zone is not None)
    assert len(split(data, "temporal(0.5,0.75)").train) == 6


def test_dates_without_clock_are_read(tmp_path):
    days = [datetime.date(2020, 1, 2), datetime.date(2020, 1, 1)]
    pd.DataFrame({"user": [1, 1], "item": [1, 2], "time": days}).to_parquet(tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet").times.tolist() == [1577923200.0, 1577836800.0]


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
def test_a_column_has_one_unit_by_its_size(tmp_path, unit):
    times = [(START + 1000 * n) * unit for n in range(5)]
    data = read(table(tmp_path / "a.csv", times))
    assert data.times.tolist() == [START + 1000 * n for n in range(5)]


@pytest.mark.parametrize(("one", "other"), [(1, 10**3), (10**3, 1), (10**6, 10**9), (1, 10**9)])
def test_two_units_are_refused_with_the_line(tmp_path, one, other):
    path = table(tmp_path / "a.csv", [START * one, START * one, (START + 5) * other, START * one])
    with pytest.raises(DataError, match=f"line 4: the time {(START + 5) * other} has the size of"):
        read(path)
    path = table(tmp_path / "b.csv", [(START + n) * (one, other)[n % 2] for n in range(6)])
    with pytest.raises(DataError, match="line 3: .*3 of 6 rows are in .*--order none"):
        read(path)
    assert read(path, Columns(order="none")).times is None


@pytest.mark.parametrize("unit", [1, 10**3, 10**6])
@pytest.mark.parametrize("odd", [0, -1])
def test_a_nought_among_real_times_changes_no_unit_and_is_said(tmp_path, unit, odd):
    data = read(table(tmp_path / "a.csv", [odd] + [START * unit + n * unit for n in range(5)]))
    assert data.times.max() == START + 4 and data.times.min() <= 0
    assert noted(data, "1 row of 6 with a time of no real clock")


@pytest.mark.parametrize("time", ["9999-12-31", "1900-01-01"])
def test_dates_that_stand_for_none_are_said(tmp_path, time):
    data = read(table(tmp_path / "a.csv", ["2020-01-01", time, "2020-01-03", "2020-01-04"]))
    assert noted(data, f"1 row of 4 with a time of no real clock, as {time}")
    assert not noted(read(table(tmp_path / "b.csv", [0, 1, 2, 3])), "no real clock")


@pytest.mark.parametrize("time", ["1e25", "inf", "2024-01-01", "soon"])
def test_an_impossible_time_is_refused_with_its_line(tmp_path, time):
    with pytest.raises(DataError, match="line 3: the time"):
        read(table(tmp_path / "a.csv", [START, time, START]))


@pytest.mark.parametrize("empty", ["", "NA", "NULL", "\\N", "nan", " "])
@pytest.mark.parametrize("time", [str(START), "2024-01-01T10:00:00"])
def test_rows_without_a_time_are_refused_and_counted(tmp_path, empty, time):
    path = table(tmp_path / "a.csv", [time, empty, time, empty])
    with pytest.raises(DataError, match=r"line 3: the time is missing \(and in 2 of 4 rows\)"):
        read(path)
    data = read(path, Columns(order="none"))  # the remedy loses no row
    assert len(data) == 4 and data.order == "none" and noted(data, "as told by --order none")


@pytest.mark.parametrize("times", [[1.6e9, None], pd.to_datetime(["2020-01-01", None])])
def test_parquet_rows_without_a_time_are_refused(tmp_path, times):
    pd.DataFrame({"user": [1, 1], "item": [1, 2], "time": times}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="row 2: the time is missing"):
        read(tmp_path / "a.parquet")


def test_durations_are_no_points_in_time(tmp_path):
    took = pd.to_timedelta([5, 6], unit="s")
    pd.DataFrame({"user": [1, 1], "item": [1, 2], "time": took}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="duration"):
        read(tmp_path / "a.parquet")


def test_days_written_as_numbers_are_dates(tmp_path):
    data = read(table(tmp_path / "a.csv", ["20200102", "20200101"]))
    assert data.times.tolist() == [1577923200.0, 1577836800.0] and noted(data, "as 20200102")
    data = read(table(tmp_path / "a.csv", ["20200102000000", "20200101000001"]))
    assert data.times.tolist() == [1577923200.0, 1577836801.0]


def test_ties_are_counted_and_the_order_of_rows_decides(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("user,item,time\na,x,5\na,y,5\na,z,4\nb,x,5\nb,y,6\n")
    data = read(path)
    assert noted(data, "2 of 5 pairs have the time of another pair of their user; the order of the")
    parts = split(data, "leave_one_out")
    assert [data.item_ids[each] for each in parts.test.indices] == ["y"]


def test_half_a_clock_is_said_once(tmp_path):
    (tmp_path / "train.csv").write_text("user,item,time\na,x,5\na,y,6\n")
    (tmp_path / "test.csv").write_text("user,item\na,z\n")
    data = read(tmp_path)
    assert data.times is None and data.order == "none"
    assert [note for note in data.notes if "all times are dropped, as test.csv has none" in note]


def test_parts_may_have_units_of_their_own(tmp_path):
    table(tmp_path / "train.csv", [START, START + 1])
    (tmp_path / "test.csv").write_text(f"user,item,time\na,z,{(START + 2) * 1000}\n")
    assert read(tmp_path).times.tolist() == [START, START + 1, START + 2]
