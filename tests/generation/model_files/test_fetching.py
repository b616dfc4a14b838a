import json
import threading
from collections import namedtuple

import httpx
import pytest

from generation.model_files import fetch, verify
from generation.model_files import sources as model_sources
from generation.model_files.folder import fetch_lock
from tests.generation.model_files.conftest import CONTENT, WITHOUT

WRONG = CONTENT[:-1] + b"?"


@pytest.fixture
def offline():
    """A client for publishers that reaches nobody."""
    asked = []

    def answer(request):
        asked.append(request.url.host)
        raise httpx.ConnectError("no route to host")

    client = httpx.Client(transport=httpx.MockTransport(answer))
    client.asked = asked
    return client


def publisher(content):
    return httpx.Client(
        follow_redirects=True,
        transport=httpx.MockTransport(lambda request: httpx.Response(200, stream=httpx.ByteStream(content))),
    )


def left_behind(folder):
    return {path.name for path in folder.rglob("*")} - {".fetch.lock", "progress.json"}


def test_a_right_file_in_the_folder_is_only_verified(folder, model, watcher, offline):
    file = model(urls=("https://models.example/small",))
    (folder / file.name).write_bytes(CONTENT)
    assert fetch(folder, [file], watcher, client=offline) == []
    assert offline.asked == []


def test_a_mirror_folder_comes_before_the_publisher(folder, model, watcher, offline, tmp_path):
    file = model("whisper/model.bin", urls=("https://models.example/small",))
    (tmp_path / "mirror" / "whisper").mkdir(parents=True)
    (tmp_path / "mirror" / file.name).write_bytes(CONTENT)
    assert fetch(folder, [file], watcher, mirror_place=str(tmp_path / "mirror"), client=offline) == []
    assert (folder / file.name).read_bytes() == CONTENT
    assert offline.asked == []
    assert left_behind(folder) == {"whisper", "model.bin", "model.bin.ok"}


def test_a_mirror_address_is_asked_by_file_name(folder, model, watcher, server):
    file = model("whisper/model.bin")
    server.files["/files/whisper/model.bin"] = CONTENT
    assert fetch(folder, [file], watcher, mirror_place=f"{server.url}/files/") == []
    assert (folder / file.name).read_bytes() == CONTENT


def test_the_publisher_is_asked_when_the_mirror_has_it_not(folder, model, watcher, tmp_path):
    file = model(urls=("https://models.example/small",))
    assert fetch(folder, [file], watcher, mirror_place=str(tmp_path), client=publisher(CONTENT)) == []
    verify(folder, file)


def test_an_interrupted_download_goes_on_where_it_was(folder, model, watcher, server):
    file = model()
    server.files["/small.gguf"] = CONTENT
    (folder / "small.gguf.part").write_bytes(CONTENT[:1000])
    assert fetch(folder, [file], watcher, mirror_place=server.url) == []
    assert server.ranges == ["bytes=1000-"]
    assert (folder / file.name).read_bytes() == CONTENT


def test_a_connection_that_breaks_is_taken_up_again(folder, model, watcher, server):
    file = model()
    server.files["/small.gguf"] = CONTENT
    server.break_after = 2000
    assert fetch(folder, [file], watcher, mirror_place=server.url) == []
    assert server.ranges == [None, "bytes=2000-"]
    assert (folder / file.name).read_bytes() == CONTENT


def test_a_server_without_ranges_begins_again(folder, model, watcher, server):
    file = model()
    server.files["/small.gguf"] = CONTENT
    server.knows_ranges = False
    (folder / "small.gguf.part").write_bytes(CONTENT[:1000])
    assert fetch(folder, [file], watcher, mirror_place=server.url) == []
    assert (folder / file.name).read_bytes() == CONTENT


def test_a_beginning_that_was_wrong_is_thrown_away(folder, model, watcher, server):
    file = model()
    server.files["/small.gguf"] = CONTENT
    (folder / "small.gguf.part").write_bytes(b"?" * 1000)
    assert fetch(folder, [file], watcher, mirror_place=server.url) == []
    assert server.ranges == ["bytes=1000-", None]
    assert (folder / file.name).read_bytes() == CONTENT


def test_wrong_bytes_are_refused_and_removed_and_the_next_source_is_asked(folder, model, watcher, server):
    file = model(urls=("https://models.example/small",))
    server.files["/small.gguf"] = WRONG
    client = httpx.Client(
        transport=httpx.MockTransport(lambda request: httpx.Response(404)), mounts={server.url: httpx.HTTPTransport()}
    )
    [failure] = fetch(folder, [file], watcher, mirror_place=server.url, client=client)
    assert failure.tried[0][0] == "the operator's mirror"
    assert "another SHA-256" in failure.tried[0][1]
    assert failure.tried[1] == ("models.example", "it answered 404")
    assert "small.gguf" in watcher.notes[0]
    assert left_behind(folder) == set()


def test_a_source_that_sends_too_much_is_cut_off(folder, model, watcher, server):
    file = model()
    server.files["/small.gguf"] = CONTENT + b"more"
    [failure] = fetch(folder, [file], watcher, mirror_place=server.url)
    assert "more than" in failure.tried[0][1]


def test_a_damaged_file_in_the_folder_is_named_and_replaced(folder, model, watcher, tmp_path):
    file = model()
    (tmp_path / file.name).write_bytes(CONTENT)
    (folder / file.name).write_bytes(WRONG)
    assert fetch(folder, [file], watcher, mirror_place=str(tmp_path)) == []
    assert (folder / file.name).read_bytes() == CONTENT
    assert watcher.notes[0].startswith("small.gguf is damaged")


def test_an_unreachable_host_is_asked_once_in_a_run(folder, model, watcher, offline):
    files = [model(name, urls=(f"https://models.example/{name}",)) for name in ("one.gguf", "two.gguf")]
    failures = fetch(folder, files, watcher, client=offline)
    assert offline.asked == ["models.example"]
    assert [failure.tried for failure in failures] == [
        (("models.example", "it cannot be reached"),),
        (("models.example", "skipped, it could not be reached before"),),
    ]


def test_a_failure_names_the_file_the_sources_and_what_still_works(folder, model, watcher, offline):
    file = model(urls=("https://models.example/small",))
    [failure] = fetch(folder, [file], watcher, client=offline)
    assert str(failure) == (
        f"small.gguf could not be had. Tried: models.example: it cannot be reached. Without it {WITHOUT}."
    )
    progress = json.loads((folder / "progress.json").read_text())
    assert progress["small.gguf"] == {"bytes": 0, "total": file.bytes, "state": "failed", "error": str(failure)}


def test_a_publisher_that_leads_away_from_https_is_refused(folder, model, watcher):
    def answer(request):
        if request.url.scheme == "https":
            return httpx.Response(302, headers={"Location": "http://elsewhere.example/small"})
        return httpx.Response(200, stream=httpx.ByteStream(CONTENT))

    client = httpx.Client(follow_redirects=True, transport=httpx.MockTransport(answer))
    [failure] = fetch(folder, [model(urls=("https://models.example/small",))], watcher, client=client)
    assert failure.tried == (("models.example", "it led away from https"),)


def test_a_file_that_does_not_fit_is_not_begun(folder, model, watcher, tmp_path, monkeypatch):
    file = model()
    (tmp_path / file.name).write_bytes(CONTENT)
    usage = namedtuple("usage", "total used free")(10**9, 10**9 - 1000, 1000)
    monkeypatch.setattr(model_sources.shutil, "disk_usage", lambda path: usage)
    [failure] = fetch(folder, [file], watcher, mirror_place=str(tmp_path))
    assert "the disk has 0 MB free" in failure.tried[0][1]
    assert left_behind(folder) == set()


def test_one_file_that_cannot_be_had_does_not_keep_the_others_away(folder, model, watcher, tmp_path):
    files = [model("absent.gguf"), model("present.gguf")]
    (tmp_path / "present.gguf").write_bytes(CONTENT)
    [failure] = fetch(folder, files, watcher, mirror_place=str(tmp_path))
    assert failure.name == "absent.gguf"
    verify(folder, files[1])


def test_a_second_fetch_waits_for_the_first(folder, model, watcher, tmp_path):
    file = model()
    (tmp_path / file.name).write_bytes(CONTENT)
    failures = []
    second = threading.Thread(
        target=lambda: failures.extend(fetch(folder, [file], watcher, mirror_place=str(tmp_path)))
    )
    with fetch_lock(folder, lambda: None):
        second.start()
        assert watcher.waiting.wait(10)
        assert not (folder / file.name).exists()
    second.join()
    assert failures == []
    verify(folder, file)


def test_progress_grows_and_ends_ready(folder, model, watcher, server):
    file = model()
    server.files["/small.gguf"] = CONTENT
    fetch(folder, [file], watcher, mirror_place=server.url)
    sizes = [size for _, _, size in watcher.seen]
    assert sizes == sorted(sizes)
    assert watcher.seen[0] == ("small.gguf", "fetching", 0)
    assert watcher.seen[-1] == ("small.gguf", "ready", file.bytes)


def test_a_stopped_fetch_leaves_its_part_and_no_claim_to_be_fetching(folder, model, watcher, tmp_path, monkeypatch):
    file = model()
    (tmp_path / file.name).write_bytes(CONTENT)
    monkeypatch.setattr(model_sources, "BLOCK", 4096)

    def stop(files):
        if files[file.name].bytes:
            raise KeyboardInterrupt

    watcher.show = stop
    with pytest.raises(KeyboardInterrupt):
        fetch(folder, [file], watcher, mirror_place=str(tmp_path))
    assert (folder / "small.gguf.part").read_bytes() == CONTENT[:4096]
    assert json.loads((folder / "progress.json").read_text())["small.gguf"]["state"] == "missing"
