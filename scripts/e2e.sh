#!/bin/sh
# e2e.sh: the journeys in a real Chromium, which Playwright's Python package drives.
set -eu
cd "$(dirname "$0")/.."
for browser in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
    if [ -n "$browser" ] && CHROMIUM=$(command -v "$browser"); then
        export CHROMIUM
        exec scripts/pytest.sh -m e2e "$@"
    fi
done
echo "The browser journeys need Chromium (Debian, Ubuntu: apt install chromium), or CHROMIUM=/path/to/it." >&2
exit 1
