"""Where every request arrives: the API lane, the site lane or a socket."""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pollweb.settings")

site = get_asgi_application()  # loads the apps, which the imports below need

from feeds.routing import websocket_urlpatterns  # noqa: E402
from pollweb import api_urls, health, hosts, lane, lifespan, sockets  # noqa: E402
from pollweb.handler import LeanHandler  # noqa: E402

api = LeanHandler(api_urls.TABLES, middleware=[lane.answers], observers=[health.count, lane.log])
health.figures.handler = api

application = ProtocolTypeRouter(
    {
        "http": hosts.Dispatch(api, site),
        "websocket": sockets.Sockets(websocket_urlpatterns),
        "lifespan": lifespan.serve,
    }
)
