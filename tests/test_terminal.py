"""The lines of all children on one terminal."""

import os

from pollweb.terminal import QUEUE, Terminal


def test_lines_carry_their_speaker_and_no_secret() -> None:
    read, write = os.pipe()
    terminal = Terminal(write, ["my secret key", ""], width=8)
    terminal.pass_on("web-1", b"the key is my secret key, the address /?token=abc")
    terminal.pass_on(
        "worker-1", "colours \x1b[31m and bytes \udc80 are shown, not obeyed".encode("utf-8", "surrogateescape")
    )
    terminal.say("pollweb is ready: http://localhost:8123")
    assert os.read(read, 65536).decode().splitlines() == [
        "web-1    | the key is [secret], the address /?[secret]",
        "worker-1 | colours \\u001b[31m and bytes \ufffd are shown, not obeyed",
        "pollweb is ready: http://localhost:8123",
    ]
    os.close(read)
    os.close(write)


def test_a_reader_who_does_not_read_stops_nobody_and_learns_what_was_left_out() -> None:
    read, write = os.pipe()
    terminal = Terminal(write, [], width=5)
    line = b"x" * 9990
    for _ in range(2 * QUEUE // len(line)):
        terminal.pass_on("web-1", line)
    left_out = terminal.left_out
    assert left_out > 0
    os.set_blocking(read, False)
    seen = b""
    while terminal.waiting:
        seen += os.read(read, 65536)
        terminal.write()
    terminal.say("last")
    seen += os.read(read, 1 << 20)
    *lines, note, last = seen.decode().splitlines()
    assert set(lines) == {f"web-1 | {line.decode()}"}, "no line is torn"
    assert note == f"… {left_out} lines left out, nobody was reading"
    assert last == "last"
    os.close(read)
    os.close(write)


def test_a_reader_who_is_gone_stops_nobody() -> None:
    read, write = os.pipe()
    os.close(read)
    terminal = Terminal(write, [], width=5)
    terminal.say("into the void")
    assert not terminal.waiting
    os.close(write)
