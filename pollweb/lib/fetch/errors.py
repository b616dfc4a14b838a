"""Why an address was not fetched.

PollwebError
├── FetchRefused   400 url_refused          not an address that we go to
└── FetchFailed    400 input_not_readable   it did not give what was expected of it
"""

from django.utils.translation import gettext

from pollweb.lib.errors import BadRequest


class FetchRefused(BadRequest):
    """One sentence for every reason: more of them would tell a caller what there is in our network."""

    code = "url_refused"

    def __init__(self) -> None:
        super().__init__(
            gettext(
                "This address is not fetched. "
                "It must be a public http or https address, on port 80 or 443, without a user."
            )
        )


class FetchFailed(BadRequest):
    code = "input_not_readable"
