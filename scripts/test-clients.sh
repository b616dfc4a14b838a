#!/bin/sh
# test-clients.sh: the tests of the packages in clients/.
set -eu
cd "$(dirname "$0")/.."
if [ ! -f clients/react/package.json ]; then
    echo "There are no JavaScript packages yet."
    exit 0
fi
if ! command -v npm >/dev/null; then
    echo "The JavaScript packages need Node.js with npm (Debian, Ubuntu: apt install npm)." >&2
    exit 1
fi
cd clients/react
npm ci --no-fund --no-audit
npm test
