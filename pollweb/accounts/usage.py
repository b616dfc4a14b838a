"""Hourly counts of who used what. Plain names and numbers: nothing points up to generations."""

from django.db.models import F
from django.utils import timezone

from pollweb.accounts.models import UsageHour


def count(
    *,
    kind: str,
    model: str,
    team_id: int | None,
    token_id: int | None,
    succeeded: int = 0,
    failed: int = 0,
    prompt_tokens: int = 0,
    completion_tokens: int = 0,
    seconds: float = 0.0,
) -> None:
    """Add to the hour of now. Belongs into the transaction that ends the job, so that it happens exactly once."""
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    owner = f"{team_id}:{token_id or 0}" if team_id else "anonymous"
    row, _ = UsageHour.objects.get_or_create(
        owner=owner, kind=kind, model=model, hour=hour, defaults={"team_id": team_id, "token_id": token_id}
    )
    UsageHour.objects.filter(pk=row.pk).update(
        succeeded=F("succeeded") + succeeded,
        failed=F("failed") + failed,
        prompt_tokens=F("prompt_tokens") + prompt_tokens,
        completion_tokens=F("completion_tokens") + completion_tokens,
        seconds=F("seconds") + seconds,
    )
