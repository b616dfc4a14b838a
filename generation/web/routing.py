"""The sockets of jobs."""

from django.urls import re_path

from generation.web.consumers import JobConsumer

websocket_urlpatterns = [re_path(r"^ws/jobs/(?P<public_id>[0-9A-Za-z_-]{22})$", JobConsumer.as_asgi())]
