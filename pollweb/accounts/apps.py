from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "pollweb.accounts"
    label = "accounts"
    verbose_name = "accounts"
