from django.apps import AppConfig


class PollwebConfig(AppConfig):
    name = "pollweb"
