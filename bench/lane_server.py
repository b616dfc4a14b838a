"""`python -m bench.lane_server VARIANT FD`: one variant of bench.lane, served by uvicorn on an inherited socket."""

import os
import socket
import sys
from typing import Any

import django
import uvicorn
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

SEVEN = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]


async def empty(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"hello", content_type="text/plain")


urlpatterns = [path("healthz", empty)]


async def raw(scope: dict[str, Any], receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})


def stock(middleware: list[str]) -> Any:
    settings.configure(
        SECRET_KEY="bench",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF=__name__,
        MIDDLEWARE=middleware,
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "django.contrib.sessions",
            "django.contrib.messages",
        ],
        LOGGING_CONFIG=None,
    )
    return get_asgi_application()


def lean() -> Any:
    os.environ["DJANGO_SETTINGS_MODULE"] = "pollweb.settings"
    django.setup()
    from pollweb.handler import LeanHandler

    return LeanHandler({"root": urlpatterns})


def lane() -> Any:
    """As pollweb.asgi puts it together; the access log is written, to wherever stderr goes."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "pollweb.settings"
    django.setup()
    from pollweb import health, hosts, lane
    from pollweb.handler import LeanHandler

    return hosts.Dispatch(LeanHandler({"root": urlpatterns}, [lane.answers], [health.count, lane.log]), None)


APPLICATIONS = {
    "raw": lambda: raw,
    "stock": lambda: stock([]),
    "stock7": lambda: stock(SEVEN),
    "lean": lean,
    "lane": lane,
}


def main() -> None:
    variant, descriptor = sys.argv[1], int(sys.argv[2])
    config = uvicorn.Config(
        APPLICATIONS[variant](),
        loop="uvloop",
        http="pollweb.protocol:HTTP" if variant == "lane" else "httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


if __name__ == "__main__":
    main()
