"""What pages of accounts need on the way out."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme


class Leaving:
    """Our policy lets forms lead to ourselves only (`form-action`), redirects included. A form that starts signing in
    elsewhere is therefore answered with a page that goes there by itself, and has a link.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if (
            request.method == "POST"
            and response.status_code == 302
            and request.path_info.startswith("/account/")
            and not url_has_allowed_host_and_scheme(response["Location"], {request.get_host()})
        ):
            page = render(request, "socialaccount/login_redirect.html", {"redirect_to": response["Location"]})
            page["Cache-Control"] = "no-store"
            page.cookies.update(response.cookies)
            return page
        return response
