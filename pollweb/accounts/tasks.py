"""Celery's doors into accounts."""

from celery import shared_task


@shared_task(name="accounts.export", ignore_result=True)
def export(pk: int) -> None:
    from pollweb.accounts import exporting

    exporting.make(pk)


@shared_task(name="accounts.tidy", ignore_result=True)
def tidy() -> None:
    """What time brings: archives and deliveries that are old, people who left, deleted teams. It may run twice."""
    from pollweb.accounts import exporting, leaving, webhooks

    exporting.tidy()
    webhooks.tidy()
    leaving.erase_leavers()
    leaving.erase_teams()


@shared_task(name="accounts.remind", ignore_result=True)
def remind() -> None:
    from pollweb.accounts import reminders

    reminders.remind_of_expiry()


@shared_task(name="accounts.end_sessions", ignore_result=True)
def end_sessions() -> None:
    from pollweb.accounts import old_sessions

    old_sessions.prune()


@shared_task(name="accounts.watch_allowances", ignore_result=True)
def watch_allowances() -> None:
    from pollweb.accounts import allowances

    allowances.watch()


@shared_task(name="accounts.look_for_proof", ignore_result=True)
def look_for_proof(pk: int, by: int, language: str) -> None:
    from pollweb.accounts import looking

    looking.look(pk, by, language)


@shared_task(name="accounts.check_referrers", ignore_result=True)
def check_referrers() -> None:
    from pollweb.accounts import verification

    verification.check_again()


@shared_task(name="accounts.send_webhooks", ignore_result=True)
def send_webhooks() -> None:
    from pollweb.accounts import webhooks

    webhooks.send_due()
