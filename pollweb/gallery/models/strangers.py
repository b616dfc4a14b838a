"""What people who need no account send, counted by the network that they come from."""

from datetime import timedelta
from typing import Self

from django.db import models
from django.utils import timezone


class StrangersQuerySet[Row: models.Model](models.QuerySet[Row]):
    """Of rows with a `network`, as `network_of` says it, and `made_at`."""

    def lately_from(self, network: str) -> Self:
        """What came from this network within the last hour."""
        return self.filter(network=network, made_at__gt=timezone.now() - timedelta(hours=1))
