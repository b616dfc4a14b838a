#!/bin/sh
# lock.sh: pyproject.toml → requirements.txt (to run), requirements-traces.txt (the same with traces) and
# requirements-dev.txt (to develop), for every platform at once.
# `lock.sh --upgrade` takes newer versions too. No header and no address of an index: the files stay the same anywhere.
set -eu
cd "$(dirname "$0")/.."

compile() {
    .venv/bin/python -m uv pip compile pyproject.toml --quiet --universal --generate-hashes --python-version 3.12 \
        --no-header --no-emit-index-url --no-emit-find-links --output-file "$@"
}

compile requirements.txt "$@"
compile requirements-traces.txt --extra traces --constraint requirements.txt "$@"
compile requirements-dev.txt --group dev --extra traces --constraint requirements.txt "$@"
