"""The folder of a search, found from its parts."""

from negbench.storage.search_store import ASKED, whole_search


def test_trials_and_splits_go_on_with_their_search_and_other_runs_by_themselves(tmp_path):
    search, splits = tmp_path / "one", tmp_path / "several"
    for folder in (search / "trials", splits / "split-2" / "trials", search / "mine"):
        folder.mkdir(parents=True)
    for folder in (search, splits):
        (folder / ASKED).write_text("{}")
    assert whole_search(search / "trials") == search
    assert whole_search(splits / "split-2" / "trials") == splits
    assert whole_search(splits / "split-2") == splits
    for alone in (search, splits, search / "mine", tmp_path / "trials", tmp_path / "absent"):
        assert whole_search(alone) == alone


def test_a_folder_is_found_from_within(tmp_path, monkeypatch):
    (tmp_path / "trials").mkdir()
    (tmp_path / ASKED).write_text("{}")
    monkeypatch.chdir(tmp_path / "trials")
    assert whole_search(tmp_path.__class__(".")) == tmp_path
    monkeypatch.chdir(tmp_path)
    assert str(whole_search(tmp_path.__class__("."))) == "."
