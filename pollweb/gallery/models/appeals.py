"""What makers say against the removal of what they made."""

from typing import Self

from django.db import models
from django.utils import timezone

from generation.models import Generation
from pollweb.accounts.models import User
from pollweb.gallery.models.strangers import StrangersQuerySet


class AppealQuerySet(StrangersQuerySet["Appeal"]):
    def open(self) -> Self:
        return self.filter(decided_at=None)

    def waiting(self) -> Self:
        """Open, against a removal that still stands: nobody has shown, hidden anew or deleted the item since."""
        still = models.Q(generation__hidden_at=models.F("hidden_at"), generation__deleted_at=None)
        return self.open().filter(still, generation__visibility="public")

    def against_removal_of(self, generation: Generation) -> Self:
        """Against the present one: what was shown again and hidden once more may be appealed once more."""
        return self.filter(generation=generation, hidden_at=generation.hidden_at)


class Appeal(models.Model):
    """One a removal. `network` is that of the maker's address, as `network_of` says it."""

    generation = models.ForeignKey(Generation, models.CASCADE, related_name="appeals")
    hidden_at = models.DateTimeField(help_text="the removal that it is against")
    words = models.TextField()
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", help_text="nobody: made in a browser")
    network = models.CharField(max_length=64)
    made_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    is_granted = models.BooleanField(default=False)
    answer = models.CharField(max_length=200, blank=True, help_text="the operator's, to the maker")

    objects = AppealQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["generation", "hidden_at"], name="one_appeal_of_a_removal")]
        indexes = [
            models.Index(fields=["network", "made_at"], name="appeals_of_network"),
            models.Index(fields=["-id"], name="open_appeals", condition=models.Q(decided_at=None)),
        ]

    def __str__(self) -> str:
        return f"against the removal of {self.generation_id}"
