from django.apps import AppConfig


class FeedsConfig(AppConfig):
    name = "feeds"

    def ready(self) -> None:
        from feeds import walls
        from pollweb.accounts.holdings import Holding, hold

        hold(self.name, Holding(tables={"walls": walls.export}, erase=walls.erase))
