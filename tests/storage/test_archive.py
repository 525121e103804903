import hashlib
import io
import zipfile

from negbench.storage.archive import SUMS, archive

FILES = {"b.txt": b"two\n", "a/one.csv": b"x,y\n1,2\n"}


def test_the_same_files_give_the_same_bytes_in_any_order() -> None:
    assert archive(FILES, "run") == archive(dict(reversed(FILES.items())), "run")


def test_every_file_stands_in_one_folder_with_its_hash() -> None:
    with zipfile.ZipFile(io.BytesIO(archive(FILES, "run"))) as packed:
        assert packed.testzip() is None
        assert packed.namelist() == [f"run/{SUMS}", "run/a/one.csv", "run/b.txt"]
        sums = dict(
            line.split("  ")[::-1] for line in packed.read(f"run/{SUMS}").decode().split("\n")[:-1]
        )
        for name, content in FILES.items():
            assert packed.read(f"run/{name}") == content
            assert sums[name] == hashlib.sha256(content).hexdigest()
