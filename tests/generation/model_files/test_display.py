import io

from generation.model_files.display import Bars, Lines, display_for
from generation.model_files.progress import FileProgress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_bars_and_anything_else_gets_lines():
    assert isinstance(display_for(Terminal()), Bars)
    assert isinstance(display_for(io.StringIO()), Lines)


def test_there_is_a_bar_for_each_file_and_one_in_total():
    stream = Terminal()
    Bars(stream).show({"a.gguf": FileProgress(50, 100, "fetching"), "b.onnx": FileProgress(0, 100)})
    rows = stream.getvalue().splitlines()
    assert rows[0].startswith("a.gguf")
    assert "########........]  50%" in rows[0]
    assert rows[2].startswith("in total")
    assert " 25%" in rows[2]


def test_bars_are_drawn_over_themselves():
    stream = Terminal()
    bars = Bars(stream)
    bars.show({"a.gguf": FileProgress(0, 100, "fetching")})
    bars.show({"a.gguf": FileProgress(100, 100, "ready")})
    assert "\x1b[2A\x1b[J" in stream.getvalue()


def test_lines_tell_the_beginning_each_tenth_and_the_end_once():
    stream = io.StringIO()
    lines = Lines(stream)
    for size in (0, 1, 10, 11, 19, 20):
        lines.show({"a.gguf": FileProgress(size * 1_000_000, 100_000_000, "fetching")})
    lines.show({"a.gguf": FileProgress(100_000_000, 100_000_000, "ready")})
    assert stream.getvalue().splitlines() == [
        "a.gguf: fetching, 0.0 MB of 100.0 MB",
        "a.gguf: fetching, 10.0 MB of 100.0 MB",
        "a.gguf: fetching, 20.0 MB of 100.0 MB",
        "a.gguf: ready, 100.0 MB of 100.0 MB",
    ]
