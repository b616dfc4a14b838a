"""`python -m bench [NAME…] [--seconds S] [--repeat N]`: run comparisons and print their tables."""

import argparse
import platform
from importlib.metadata import version

from bench import engines, fanout, gallery, growth, jobs, lane, relay, start, views

COMPARISONS = {
    "lane": lane.compare,
    "relay": relay.compare,
    "fanout": fanout.compare,
    "gallery": gallery.compare,
    "views": views.compare,
    "jobs": jobs.compare,
    "start": start.compare,
    "engines": engines.compare,
    "growth": growth.compare,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(COMPARISONS), default=[])
    parser.add_argument("--seconds", type=int, default=4, help="of load for each run (4)")
    parser.add_argument("--repeat", type=int, default=3, help="runs; the median is printed (3)")
    options = parser.parse_args()
    unknown = set(options.names) - set(COMPARISONS)
    if unknown:
        parser.error(f"there is no comparison {', '.join(sorted(unknown))}; there are {', '.join(COMPARISONS)}")
    print(
        "Python", platform.python_version(), *(f"· {name} {version(name)}" for name in ("django", "uvicorn", "uvloop"))
    )
    for name in options.names or COMPARISONS:
        COMPARISONS[name](options.seconds, options.repeat)


if __name__ == "__main__":
    main()
