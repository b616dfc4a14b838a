from django.apps import AppConfig


class PollwebConfig(AppConfig):
    name = "pollweb"

    def ready(self) -> None:
        from pollweb import celery, production  # noqa: F401  # its checks are registered as it is loaded

        # Shared tasks are sent through this app from every process, not only from workers.
        celery.app.set_default()
