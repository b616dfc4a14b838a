import json
import os

import pytest

from generation.model_files import DamagedModelFile, Manifest, MissingModelFile, path_of, state, verify
from generation.model_files import folder as model_folder
from tests.generation.model_files.conftest import CONTENT


def test_a_verified_file_is_ready_without_being_hashed_again(folder, model, monkeypatch):
    file = model()
    (folder / file.name).write_bytes(CONTENT)
    verify(folder, file)
    monkeypatch.delattr(model_folder.hashlib, "file_digest")
    assert [entry.state for entry in state(folder, "tiny", Manifest((file,)))] == ["ready"]
    assert path_of(folder, file.name, Manifest((file,))) == folder / file.name


def test_a_file_put_there_by_hand_is_unchecked_until_an_engine_asks_for_it(folder, model):
    file = model()
    manifest = Manifest((file,))
    (folder / file.name).write_bytes(CONTENT)
    assert state(folder, "tiny", manifest)[0].state == "unchecked"
    path_of(folder, file.name, manifest)
    assert state(folder, "tiny", manifest)[0].state == "ready"


def test_a_file_that_changed_after_its_verification_is_not_ready(folder, model):
    file = model()
    path = folder / file.name
    path.write_bytes(CONTENT)
    verify(folder, file)
    damaged = bytes([CONTENT[0] ^ 1]) + CONTENT[1:]
    path.write_bytes(damaged)
    os.utime(path, ns=(1, 1))
    assert state(folder, "tiny", Manifest((file,)))[0].state == "unchecked"
    with pytest.raises(DamagedModelFile, match=r"small\.gguf is damaged: its SHA-256 is"):
        path_of(folder, file.name, Manifest((file,)))


def test_a_cut_file_is_damaged(folder, model):
    file = model()
    (folder / file.name).write_bytes(CONTENT[:-1])
    with pytest.raises(DamagedModelFile, match=f"{len(CONTENT) - 1} bytes instead of {len(CONTENT)}"):
        verify(folder, file)


def test_a_missing_file_is_named(folder, model):
    with pytest.raises(MissingModelFile, match=r"small\.gguf is not in the model folder"):
        path_of(folder, "small.gguf", Manifest((model(),)))


def test_a_missing_folder_is_a_folder_without_files(tmp_path, model):
    assert state(tmp_path / "nowhere", "tiny", Manifest((model(),)))[0].state == "missing"


def test_a_running_fetch_is_seen_with_its_progress(folder, model):
    file = model()
    manifest = Manifest((file,))
    entry = {"bytes": 5, "total": file.bytes, "state": "fetching", "error": ""}
    (folder / "progress.json").write_text(json.dumps({file.name: entry}))
    with model_folder.fetch_lock(folder, lambda: None):
        seen = state(folder, "tiny", manifest)[0]
        assert (seen.state, seen.bytes, seen.total) == ("fetching", 5, file.bytes)
    assert state(folder, "tiny", manifest)[0].state == "missing"  # the fetch has died: nobody brings it now


def test_what_the_last_fetch_could_not_have_says_why(folder, model):
    file = model()
    entry = {"bytes": 0, "total": file.bytes, "state": "failed", "error": "no network"}
    (folder / "progress.json").write_text(json.dumps({file.name: entry}))
    seen = state(folder, "tiny", Manifest((file,)))[0]
    assert (seen.state, seen.error) == ("failed", "no network")


def test_an_unreadable_progress_file_is_no_progress(folder, model):
    (folder / "progress.json").write_text("{")
    assert state(folder, "tiny", Manifest((model(),)))[0].state == "missing"
