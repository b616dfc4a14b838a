"""What the test of the guide runs is really the guide's: nothing is lost when its samples are cut out."""

import ast

from tests.guide import samples


def test_there_are_eighteen_commands_and_twelve_programs() -> None:
    assert len(samples.commands()) == 18
    assert len(samples.programs()) == 12


def test_every_command_is_whole() -> None:
    for command in samples.commands():
        assert command.count("'") % 2 == command.count('"') % 2 == 0
        assert command.count("{") == command.count("}")
        assert "pollinations.ai/" in command


def test_every_program_asks_something() -> None:
    for program in samples.programs():
        assert program.startswith("import ")
        calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Call)]
        assert {"requests.get", "requests.post"} & set(calls)


def test_what_its_reader_shall_uncomment_is_uncommented() -> None:
    called = "\n".join(samples.programs())
    for usage in (
        "transcript = transcribe_audio(",
        "result_url = analyze_image_url(",
        "result_local = analyze_local_image(",
        "connect_image_feed()",
        "connect_text_feed()",
    ):
        assert f"\n{usage}" in called
