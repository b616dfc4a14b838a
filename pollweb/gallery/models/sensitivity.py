"""What operators have decided about how an item may be looked at."""

from django.db import models
from django.utils import timezone

from generation.models import Generation
from pollweb.accounts.models import User


class Sensitivity(models.Model):
    """That it is sensitive, or that it is not, whatever the classifier and the word rules say. The last word holds."""

    generation = models.OneToOneField(Generation, models.CASCADE, related_name="sensitivity")
    is_sensitive = models.BooleanField()
    reason = models.CharField(max_length=200, help_text="why, in the operator's words; its maker reads it")
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "sensitivities"

    def __str__(self) -> str:
        return f"{self.generation_id} is {'' if self.is_sensitive else 'not '}sensitive"
