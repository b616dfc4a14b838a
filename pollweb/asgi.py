"""Where every request arrives: the API lane, the site lane or a socket."""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pollweb.settings")

site = get_asgi_application()  # loads the apps, which the imports below need

from feeds import hub  # noqa: E402
from feeds.routing import websocket_urlpatterns  # noqa: E402
from generation import handoff, offers, sharing  # noqa: E402
from generation.providers import upstream  # noqa: E402
from generation.web.routing import websocket_urlpatterns as job_sockets  # noqa: E402
from pollweb import api_urls, health, hosts, lane, lifespan, sockets  # noqa: E402
from pollweb.accounts import desk, hints, routing, sightings, tallies  # noqa: E402
from pollweb.handler import LeanHandler  # noqa: E402
from pollweb.lib import db, redis, traces  # noqa: E402

api = LeanHandler(api_urls.TABLES, middleware=[lane.answers], observers=[health.count, lane.log])
health.figures.handler = api


@lifespan.on_start
async def begin_traces() -> None:
    traces.start("web")


@lifespan.on_stop
async def end_traces() -> None:
    traces.stop()  # nothing else happens any more: the loop may wait


lifespan.on_drain(hub.stop)  # its streams and sockets would go on for ever
lifespan.on_drain(hints.close)
lifespan.on_stop(db.close)
lifespan.on_stop(redis.close)
lifespan.on_start(offers.start)
lifespan.on_stop(offers.stop)
lifespan.on_start(tallies.start)
lifespan.on_stop(tallies.stop)
lifespan.on_stop(handoff.close)
lifespan.on_start(sharing.start)
lifespan.on_stop(sharing.close)
lifespan.on_stop(desk.close)
lifespan.on_stop(sightings.settle)  # before the database is closed: the hooks run from the last to the first
lifespan.on_stop(upstream.close)

application = ProtocolTypeRouter(
    {
        "http": hosts.Dispatch(api, site),
        "websocket": sockets.Sockets([*websocket_urlpatterns, *job_sockets, *routing.websocket_urlpatterns]),
        "lifespan": lifespan.serve,
    }
)
