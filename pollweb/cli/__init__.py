"""The command line client, on the standard library alone: it starts at once, and talks to servers elsewhere.

Neither Django nor an engine is imported, and nothing of pollweb but this package.
"""

import argparse
import os
import sys
from collections.abc import Sequence

import pollweb
from pollweb.cli.errors import Failure

HERE = "http://localhost:8000"
EPILOG = """\
The server is --base-url or POLLWEB_URL (http://localhost:8000 if neither is given; https://pollinations.ai is the
public service), the token --token or POLLWEB_TOKEN. A prompt of - is read from standard input, as it is without any.

Exit codes: 0 done, 1 refused, 2 wrong usage, 3 the server is away or failed, 130 interrupted.
"""


def parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    server = common.add_argument_group("the server")
    server.add_argument("--base-url", metavar="URL", default=os.environ.get("POLLWEB_URL") or HERE)
    server.add_argument("--token", default=os.environ.get("POLLWEB_TOKEN", ""), help="whose limits count")
    server.add_argument("--retries", type=int, default=3, metavar="N", help="attempts more when it is busy (3)")
    server.add_argument("--timeout", type=float, default=330, metavar="SECONDS", help="silence that is borne (330)")
    common.add_argument("-q", "--quiet", action="store_true", help="no progress on standard error")

    root = argparse.ArgumentParser(
        prog="pollweb", description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    root.description = "Pictures, text and speech from any pollweb or the public service."
    root.add_argument("--version", action="version", version=f"pollweb {pollweb.__version__}")
    commands = root.add_subparsers(dest="command", required=True, metavar="image|text|say|transcribe|feed")

    image = commands.add_parser("image", parents=[common], help="make a picture and save it")
    image.add_argument("prompt", nargs="*", help="what it shows")
    _saved(image)
    image.add_argument("-m", "--model")
    image.add_argument("--seed", type=int, help="the same seed gives the same picture; -1 draws one")
    image.add_argument("--width", type=int)
    image.add_argument("--height", type=int)
    image.add_argument("--negative", metavar="WORDS", help="what is to be avoided")
    image.add_argument("--image", action="append", default=[], metavar="FILE|URL", help="a picture to change")
    image.add_argument("-n", "--number", type=int, default=1, help="so many, with seeds that follow each other")
    for flag in ("enhance", "safe", "nologo", "transparent", "private"):
        image.add_argument(f"--{flag}", action="store_true")

    text = commands.add_parser("text", parents=[common], help="ask a text model; the answer is printed as it comes")
    text.add_argument("prompt", nargs="*")
    text.add_argument("-m", "--model", default="openai")
    text.add_argument("-s", "--system", help="who the model is to be")
    text.add_argument("--seed", type=int)
    text.add_argument("--temperature", type=float)
    text.add_argument("--max-tokens", type=int)
    text.add_argument("--image", action="append", default=[], metavar="FILE|URL", help="a picture to look at")
    text.add_argument("--json", action="store_true", help="answer as JSON")
    text.add_argument("--private", action="store_true")

    say = commands.add_parser("say", parents=[common], help="read a text aloud into a file")
    say.add_argument("prompt", nargs="*", metavar="text")
    _saved(say)
    say.add_argument("-v", "--voice", default="alloy")
    say.add_argument("-f", "--format", default="mp3", help="mp3, opus, aac, flac, wav or pcm")
    say.add_argument("--speed", type=float)
    say.add_argument("-m", "--model", default="openai-audio")
    say.add_argument("--private", action="store_true")

    transcribe = commands.add_parser("transcribe", parents=[common], help="write a recording down")
    transcribe.add_argument("file", help="a sound file, or - for standard input")
    transcribe.add_argument("-l", "--language", default="", help="a code such as en or zh")
    transcribe.add_argument("-f", "--format", default="text", choices=("text", "srt", "vtt", "json"))
    transcribe.add_argument("-m", "--model", default="")

    feed = commands.add_parser("feed", parents=[common], help="watch what is being made")
    feed.add_argument("kind", nargs="?", default="image", choices=("image", "text"))
    feed.add_argument("--json", action="store_true", help="each event as JSON on a line of its own")
    feed.add_argument("-n", "--number", type=int, default=0, help="end after so many")
    return root


def _saved(command: argparse.ArgumentParser) -> None:
    command.add_argument("-o", "--output", metavar="FILE", help="where to; - is standard output, a folder is filled")
    command.add_argument("--force", action="store_true", help="write over a file that is there")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = parser().parse_args(arguments)
    from pollweb.cli import commands  # after the usage is right: HTTP and TLS take longer to load than all else

    try:
        commands.COMMANDS[options.command](options)
    except Failure as failure:
        print(f"pollweb: {failure}", file=sys.stderr)
        return failure.code
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read has had enough. Python would complain once more when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0
