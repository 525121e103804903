"""`--encoder` from the command line to the cells."""

import numpy as np
import pytest

from negbench.errors import UserError
from negbench.experiment.options.options import build, merge
from negbench.experiment.run_grid import folder_of


def options(**given):
    return build(merge({"methods": ["hnlmrec"], **given}))


def test_the_default_and_what_is_known_at_once():
    assert options().encoder == "tfidf"
    with pytest.raises(UserError, match="--encoder must be tfidf, minilm"):
        options(encoder="bert")
    with pytest.raises(UserError, match="must name a file that is there"):
        options(encoder="/no/such/table.npy")


def test_a_file_is_kept_by_its_full_path(tmp_path, monkeypatch):
    np.save(tmp_path / "t.npy", np.eye(3))
    monkeypatch.chdir(tmp_path)
    chosen = options(encoder="t.npy")
    assert chosen.encoder == str(tmp_path / "t.npy")
    assert build(merge(chosen.as_flat())).encoder == chosen.encoder


def test_encoders_may_share_a_folder(tmp_path):
    np.save(tmp_path / "t.npy", np.eye(3))
    assert folder_of(options(encoder=str(tmp_path / "t.npy"))) == folder_of(options())


def test_nothing_is_imported_for_it_before_it_is_used():
    import subprocess
    import sys

    code = (
        "import sys; from negbench.texts.encoders import encoder_of; encoder_of('tfidf'); "
        "assert not {'sentence_transformers', 'transformers'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
