from django.apps import AppConfig


class GalleryConfig(AppConfig):
    name = "pollweb.gallery"
    label = "gallery"

    def ready(self) -> None:
        from feeds import collected, moderation
        from generation.search import index
        from pollweb.accounts import exporting
        from pollweb.accounts.holdings import hold
        from pollweb.gallery import holdings, on_feed, on_walls
        from pollweb.gallery.models import Profile
        from pollweb.gallery.team import archive

        collected.keeper = on_walls
        moderation.gallery = on_feed
        exporting.chosen = archive.pieces
        hold(self.name, holdings.HOLDING)
        index.team_of = Profile.objects.team_of
