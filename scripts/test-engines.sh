#!/bin/sh
# test-engines.sh: fetches the sets default and tiny of model files and runs the tests that need them.
set -eu
cd "$(dirname "$0")/.."
: "${POLLWEB_MODELS_DIR:=$PWD/var/models}"
export POLLWEB_MODELS_DIR
.venv/bin/python manage.py models fetch --set default
.venv/bin/python manage.py models fetch --set tiny
exec scripts/pytest.sh -m engines "$@"
