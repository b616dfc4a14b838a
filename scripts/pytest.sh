#!/bin/sh
# pytest.sh ARGS…: runs pytest.
# With SECOND_TRIES=FILE (.ci/run sets it) up to ten failures are run once more, in one process. A test that is right then has
# depended on how busy the machine was: the run counts as right, and the test's name goes into FILE, for somebody to mend.
set -u
cd "$(dirname "$0")/.."
python=.venv/bin/python
failures=.pytest_cache/v/cache/lastfailed

[ -n "${SECOND_TRIES:-}" ] || exec "$python" -m pytest "$@"

rm -f "$failures"
"$python" -m pytest "$@" && exit
status=$?
[ $status = 1 ] && [ -f "$failures" ] || exit $status
names=$("$python" -c 'import json, sys; print(*json.load(open(sys.argv[1])), sep="\n")' "$failures")
if [ "$(printf '%s\n' "$names" | wc -l)" -gt 10 ]; then
    exit $status
fi
printf '\n=== once more, one after another:\n%s\n' "$names"
"$python" -m pytest "$@" --last-failed --last-failed-no-failures none --numprocesses 0 || exit
printf '%s\n' "$names" >>"$SECOND_TRIES"
