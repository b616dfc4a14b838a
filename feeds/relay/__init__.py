"""Following the feeds of other installations: what is made there is told on our feeds and on our wall.

    sources     which feeds are followed
    upstream    one connection to one of them, bounded in time and bytes
    remote      from what an upstream says to an event of ours, or to nothing
    lease       one leader, over any number of processes and machines
    shelf       what the leader has taken in and not yet told, in Redis
    relay       the leader's work
    tally       how much of what came, for /metrics

How it holds. No byte for 60 s is a dead connection. Between two connections pass 1 to 30 s, growing with each failure,
with full jitter. A connection resumes by `Last-Event-ID`, which is kept in Redis together with what was taken in, so
that the next leader goes on where the last one was. What cannot be read is counted and passed over. Whatever happens to
the lease or to Redis ends all connections; a leader begins again, and nothing is told twice.
"""
