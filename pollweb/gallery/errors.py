"""What the gallery says when there is nothing to see.

PollwebError
└── Gone   410  it was here, and was taken down
"""

from pollweb.lib.errors import PollwebError


class Gone(PollwebError):
    code, status = "gone", 410
