"""Lists that another program wrote: their order, their systems, their mistakes."""

import pytest

from negbench.data.readers.column_roles import Columns
from negbench.data.readers.ranked_lists import read_lists
from negbench.errors import DataError, UserError


def written(tmp_path, text, name="lists.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def lists(path, columns=None):
    rows = read_lists(path, columns).rows
    by_user = {}
    for user, item in zip(rows.users, rows.items, strict=True):
        by_user.setdefault(user, []).append(item)
    return by_user


WANTED = {"u1": ["a", "b", "c"], "u2": ["c", "a"]}


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("user,item\nu1,a\nu1,b\nu2,c\nu1,c\nu2,a\n", "the order of its rows"),
        ("user,item,rank\nu1,c,3\nu1,a,1\nu2,a,9\nu1,b,2\nu2,c,4\n", "rising rank"),
        ("user,item,score\nu1,c,-3\nu1,a,1\nu2,a,9\nu1,b,0\nu2,c,14\n", "falling score"),
        (
            "user_id,item_id,position,score\nu1,a,0,1\nu1,b,1,2\nu1,c,2,3\nu2,c,0,1\nu2,a,1,1\n",
            "rising position",
        ),
    ],
)
def test_a_csv_is_ordered_by_rank_by_score_or_by_its_rows(tmp_path, text, how):
    path = written(tmp_path, text)
    assert lists(path) == WANTED and read_lists(path).how == how


def test_a_trec_run_is_ordered_by_score_whatever_its_ranks_say(tmp_path):
    text = "u1 Q0 c 1 0.1 x\nu1\tQ0\ta\t2\t0.9\tx\nu2 Q0 c 1 5 x\nu1 Q0 b 3 0.5 x\nu2 Q0 a 1 4 x\n"
    for name in ("run.trec", "run.txt", "run.csv"):
        assert lists(written(tmp_path, text, name)) == WANTED


def test_equal_scores_of_a_trec_run_are_not_as_trec_eval_has_them_and_that_is_said(tmp_path):
    lines = "u1 Q0 a 1 2.000000001 x\nu1 Q0 c 2 2 x\nu1 Q0 b 3 1 x\nu2 Q0 a 1 2 x\n"
    tied = read_lists(written(tmp_path, lines, "tied.trec"))
    assert tied.rows.items.tolist() == ["a", "c", "b", "a"]  # trec_eval: c, a, b
    assert (
        tied.how
        == "falling score, equal ones as they stand in the file (trec_eval: by falling item)"
    )
    apart = read_lists(written(tmp_path, lines.replace("2.000000001", "2.1"), "apart.trec"))
    assert apart.how == "falling score, as trec_eval reads a TREC run"


def test_parquet_keeps_the_types_of_ids(tmp_path):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    path = tmp_path / "lists.parquet"
    pd.DataFrame({"user": [7, 7], "item": [2, 1], "rank": [2, 1]}).to_parquet(path)
    assert lists(path) == {7: [1, 2]}


def test_columns_of_other_names_are_named(tmp_path):
    path = written(tmp_path, "who,what,rank\nu1,a,1\nu1,b,2\n")
    assert lists(path, Columns(user="who", item="what")) == {"u1": ["a", "b"]}


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("user,item,rank\nu1,a,1\nu1,b,x\n", DataError, "must hold a number"),
        ("user,item,rank\nu1,a,1\nu1,b,1\nu2,a,1\nu2,b,1\n", UserError, "one system"),
        ("u1 Q0 a 1 high x\n", DataError, "TREC run"),
        ("u1 Q0 a 1 nan x\nu1 Q0 b 2 1 x\n", DataError, "a score is NaN"),
        ("u1 Q0 a 1 0.5 x\nu1 Q0 b 2 0.4 y\n", UserError, "tags x and y"),
        ("who,what,rank\nu1,a,1\n", UserError, "user"),
    ],
)
def test_mistakes_are_one_sentence(tmp_path, text, error, words):
    with pytest.raises(error, match=words) as caught:
        read_lists(written(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="not there"):
        read_lists(tmp_path / "no.csv")
