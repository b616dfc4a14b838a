#!/bin/sh
# test-services.sh: the suite on PostgreSQL and an outer Redis, then the tests of the served application under daphne.
# Django makes and drops a database of its own (test_…); keys have a prefix of their own; nothing else is touched.
set -eu
cd "$(dirname "$0")/.."
: "${POLLWEB_DATABASE_URL:=postgresql://postgres@127.0.0.1:5432/pollweb_$$}"
: "${POLLWEB_REDIS_URL:=redis://127.0.0.1:6379/0}"
export POLLWEB_DATABASE_URL POLLWEB_REDIS_URL

.venv/bin/python - <<'PYTHON'
import os, sys
import psycopg, redis
from urllib.parse import urlsplit
for name, reach in (
    ("POLLWEB_DATABASE_URL", lambda url: psycopg.connect(urlsplit(url)._replace(path="/postgres").geturl(), connect_timeout=5).close()),
    ("POLLWEB_REDIS_URL", lambda url: redis.Redis.from_url(url, socket_connect_timeout=5).ping()),
):
    try:
        reach(os.environ[name])
    except (psycopg.Error, redis.RedisError) as exc:
        parts = urlsplit(os.environ[name])
        sys.exit(f"{name} ({parts.scheme}://{parts.hostname}:{parts.port}) does not answer: {exc}")
PYTHON

# What asks neither is the same there.
elsewhere=""
for folder in project generation/chat generation/editor generation/model_files generation/painter generation/pictures \
    generation/safety generation/speech generation/transcription generation/vision; do
    elsewhere="$elsewhere --ignore tests/$folder"
done
# shellcheck disable=SC2086  # words of ours
scripts/pytest.sh --create-db --numprocesses auto --dist worksteal $elsewhere "$@"
POLLWEB_SERVER=daphne exec scripts/pytest.sh --create-db tests/serving "$@"
