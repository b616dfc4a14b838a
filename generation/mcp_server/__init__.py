"""The door for AI assistants: tools, resources and prompts of the Model Context Protocol, on the official SDK.

`door` takes what comes over HTTP, `exchange` speaks the protocol for one request, `server` is what the SDK asks,
`tools` is what assistants can do, each a few lines over intake. `bridge` is the same over standard input and output.
"""
