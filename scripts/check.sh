#!/bin/sh
# check.sh: everything that can be said about the sources without running them. All parts run; any failure fails.
set -u
cd "$(dirname "$0")/.."
python=.venv/bin/python
failed=""

part() { # part NAME COMMAND…
    name=$1
    shift
    if said=$("$@" 2>&1); then
        printf 'right   %s\n' "$name"
    else
        printf '%s\nWRONG   %s\n' "$said" "$name"
        failed="$failed $name"
    fi
}

part format "$python" -m ruff format --check .
part lint "$python" -m ruff check .
part types "$python" -m mypy .
part imports .venv/bin/lint-imports
part templates "$python" -m djlint --lint templates
part translations "$python" manage.py translations
part system "$python" manage.py check --fail-level WARNING
part migrations "$python" manage.py makemigrations --check --dry-run

if [ -n "$failed" ]; then
    printf 'make check: not right:%s\n' "$failed" >&2
    exit 1
fi
