"""The feeds' sockets."""

from django.urls import path

from feeds.consumers import WallConsumer

websocket_urlpatterns = [path("ws/wall", WallConsumer.as_asgi())]
