"""One archive of an installation: its rows, its results, its design. Made while everything runs, restored elsewhere.

A tar file, optionally compressed:

    manifest.json    what follows: counts and SHA-256 of the rows, digests of the results, the migrations that were run
    pollweb.toml     the operator's design, if there is one and it holds no secret
    rows/LABEL.jsonl rows of one table as Django's serializer writes them, of one moment for all tables
    media/DIGEST     a result
    end.json         how many results there are, and which were lost: an archive without it is not whole

Rows are those of Django's models, not of a database: what comes from SQLite goes into PostgreSQL, and back. Not in it:
the secret key and everything in the environment, sessions, and what is made from the rest (the search index, archives
that people asked for). Webhook secrets and second factors lie sealed under the secret key, tokens as digests.
"""
