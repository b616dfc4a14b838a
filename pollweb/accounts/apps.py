from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_out
from django.db.models.signals import post_delete, post_save
from django.http import HttpRequest


class AccountsConfig(AppConfig):
    name = "pollweb.accounts"
    label = "accounts"
    verbose_name = "accounts"

    def ready(self) -> None:
        from pollweb.accounts import holdings, models, own_holdings, personal

        assert personal  # hears of new people

        holdings.hold(self.label, own_holdings.HOLDING)
        # What processes remember of who is who. Changes by queryset.update() call `remembered.changed` themselves.
        for model in (models.Team, models.Token, models.Referrer, models.SeenHost):
            post_save.connect(_changed, sender=model)
            post_delete.connect(_changed, sender=model)
        user_logged_out.connect(_signed_out)
        for signal in (post_save, post_delete):
            signal.connect(_webhooks_changed, sender=models.Webhook)


def _changed(created: bool = False, **kwargs: object) -> None:
    from django.db import transaction

    from pollweb.accounts import models, remembered

    # A new token was known to nobody before, and a new team has none.
    if not (created and kwargs["sender"] in (models.Team, models.Token)):
        transaction.on_commit(remembered.changed)


def _signed_out(request: HttpRequest | None = None, **kwargs: object) -> None:
    from pollweb.accounts import hints

    if request is not None:
        hints.session_ended(request.session.session_key)


def _webhooks_changed(**kwargs: object) -> None:
    from pollweb.accounts import webhooks

    webhooks.forget()
