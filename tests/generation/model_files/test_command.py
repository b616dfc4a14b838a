import io

import pytest
from django.core.management import CommandError, call_command

from generation import model_files
from generation.management.commands import models as command
from generation.model_files import Manifest
from tests.generation.model_files.conftest import CONTENT


@pytest.fixture
def manifest(settings, folder, model, monkeypatch, tmp_path):
    """Two small files; the mirror has the first."""
    files = Manifest((model("one.gguf"), model("two.onnx", sets=("default",), engine="speech")))
    settings.MODEL_FOLDER, settings.MODEL_SET, settings.MODEL_MIRROR = folder, "default", str(tmp_path)
    (tmp_path / "one.gguf").write_bytes(CONTENT)
    monkeypatch.setattr(model_files, "shipped", lambda: files)
    monkeypatch.setattr("generation.model_files.folder.shipped", lambda: files)
    monkeypatch.setattr(command.signal, "signal", lambda number, handler: None)  # the suite keeps its own
    return files


def run(*words):
    out = io.StringIO()
    call_command("models", *words, stdout=out, stderr=out)
    return out.getvalue()


def test_list_tells_name_sets_bytes_and_state_in_tabs(manifest):
    size = len(CONTENT)
    assert run("list") == f"one.gguf\ttiny,default\t{size}\tmissing\ntwo.onnx\tdefault\t{size}\tmissing\n"


def test_the_set_can_be_named(manifest):
    assert run("list", "--set", "tiny").splitlines() == [f"one.gguf\ttiny,default\t{len(CONTENT)}\tmissing"]
    assert run("list", "--set", "none") == ""


def test_fetch_brings_the_set(manifest):
    assert "The model files of the set tiny are ready." in run("fetch", "--set", "tiny")
    assert run("list", "--set", "tiny").endswith("\tready\n")


def test_fetch_fails_when_a_file_could_not_be_had(manifest):
    with pytest.raises(CommandError, match=r"two\.onnx could not be had") as failure:
        run("fetch")
    assert failure.value.returncode == 1


def test_verify_fails_when_a_file_is_missing(manifest):
    run("fetch", "--set", "tiny")
    assert run("verify", "--set", "tiny") == "one.gguf: right\n"
    with pytest.raises(CommandError, match="1 of the set's model files are not right") as failure:
        run("verify")
    assert failure.value.returncode == 1


def test_verify_hashes_again(manifest, folder):
    run("fetch", "--set", "tiny")
    (folder / "one.gguf").write_bytes(CONTENT[:-1] + b"?")
    with pytest.raises(CommandError):
        run("verify", "--set", "tiny")
