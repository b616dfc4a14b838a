#!/bin/sh
# bootstrap.sh FILE: makes .venv and installs what FILE pins, unless that has been done already.
# FILE is requirements.txt or requirements-dev.txt, which holds everything of the former.
set -eu
cd "$(dirname "$0")/.."
wanted=$1
stamps=.venv/installed

say() { printf '%s\n' "$*" >&2; }

fits() { # the interpreters that every dependency has wheels for
    "$1" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

find_python() {
    for candidate in python3.13 python3.12 \
        "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13*/bin/python3 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.12*/bin/python3 \
        python3 python; do
        if fits "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    say "pollweb needs Python 3.12 or 3.13, and there is none here. Install it (Debian, Ubuntu: apt install python3.13 python3.13-venv; macOS: brew install python@3.13) and run this again."
    return 1
}

if ! fits .venv/bin/python; then
    python=$(find_python)
    say "Making .venv with $("$python" --version)"
    rm -rf .venv
    if ! made=$("$python" -m venv .venv 2>&1); then
        rm -rf .venv
        say "$made"
        say "Python is here without its venv module. Install that (Debian, Ubuntu: apt install python3-venv) and run this again."
        exit 1
    fi
fi

sum=$(cksum <"$wanted")
if ! grep -qsxF "$wanted $sum" "$stamps"; then
    say "Installing the dependencies of $wanted; this takes a few minutes the first time"
    rm -f "$stamps"
    if ! .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$wanted" >&2; then
        say "The dependencies could not be installed; pip's own words are above. Is a package index reachable, and is there room on the disk?"
        exit 1
    fi
    printf '%s %s\n' "$wanted" "$sum" >"$stamps"
    if [ "$wanted" != requirements.txt ]; then
        printf 'requirements.txt %s\n' "$(cksum <requirements.txt)" >>"$stamps"
    fi
fi
