"""What the API lane's views read from a request and write into an answer, beyond Django's own."""

from pollweb.lib.http.addresses import client_address, network_of, shortened
from pollweb.lib.http.errors import error_object, error_response
from pollweb.lib.http.reading import form, json_body, prompt_from_path, query

__all__ = [
    "client_address",
    "error_object",
    "error_response",
    "form",
    "json_body",
    "network_of",
    "prompt_from_path",
    "query",
    "shortened",
]
