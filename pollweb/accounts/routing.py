"""The sockets of accounts."""

from django.urls import path

from pollweb.accounts.consumers import MeConsumer

websocket_urlpatterns = [path("ws/me", MeConsumer.as_asgi())]
