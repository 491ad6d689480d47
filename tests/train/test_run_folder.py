import pytest

from fingerspell.errors import RunError
from fingerspell.files import write_json
from fingerspell.train import run_folder


def test_overwriting_removes_the_run_and_nothing_else_and_a_new_folder_is_made(tmp_path):
    (tmp_path / "saved_model").mkdir()
    (tmp_path / "saved_model" / "x").write_bytes(b"")
    (tmp_path / "run.json").write_text("{}")
    (tmp_path / "my notes.txt").write_text("keep")
    with pytest.raises(RunError, match=r"(?s)--resume.*--overwrite"):
        run_folder.open_folder(tmp_path, overwrite=False, resume=False)
    assert len(list(tmp_path.iterdir())) == 3
    run_folder.open_folder(tmp_path, overwrite=True, resume=False)
    assert [p.name for p in tmp_path.iterdir()] == ["my notes.txt"]
    run_folder.open_folder(tmp_path / "a" / "b", overwrite=False, resume=False)
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_file_in_its_place_and_a_folder_that_cannot_be_written_to_are_refused(
    tmp_path, monkeypatch
):
    def denied(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "output").write_bytes(b"")
    with pytest.raises(RunError, match="is a file"):
        run_folder.open_folder(tmp_path / "output", overwrite=True, resume=False)
    monkeypatch.setattr("fingerspell.files.TemporaryFile", denied)
    with pytest.raises(RunError, match=r"cannot be written to \(Permission denied\)"):
        run_folder.open_folder(tmp_path, overwrite=False, resume=False)


def test_a_damaged_json_says_what_to_do(tmp_path):
    (tmp_path / "run.json").write_text("{half")
    with pytest.raises(RunError, match="train first"):
        run_folder.read_json(tmp_path / "run.json")


def run_json(folder, **model):
    folder.mkdir(exist_ok=True)
    write_json(folder / "run.json", {"commit": "0123456789ab", "config": {"model": model}})
    return folder


def test_a_run_of_an_earlier_version_is_refused_with_its_commit(tmp_path):
    old = run_json(tmp_path / "old", backbone="MobileNetV3Large", looks="once")
    with pytest.raises(RunError, match=r"(?s)earlier version.*commit 0123456789ab.*looks") as error:
        run_folder.read_run(old)
    assert "train again" in error.value.fix
    new = run_json(tmp_path / "new", backbone="MobileNetV3Large", views="single")
    assert run_folder.read_run(new)["config"]["model"]["views"] == "single"
