"""Telling everyone what was made: the public feeds and the live wall.

The path of an event, each step with one module:

    events      what is told, and in which words each door tells it
    outbox      one row in the transaction that finishes a generation; then a bounded Redis Stream
    hub         one reader for each web process; a bounded ring
    audience    all who sit at one door and want the same; who waits there is written to at once
    seat        a listener's bounded share, with an exact count of what did not fit
    stream      server-sent events: the guide's two feeds, and the wall for browsers without sockets
    consumers   the wall's socket
    relay       what other installations tell, into the same stream

Nothing here knows what a generation is: an event carries everything it tells. Broadcast goes through the hub and never
over a channel layer, which drops messages without a word.
"""
