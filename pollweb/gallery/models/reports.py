"""What visitors say against an item."""

from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from generation.models import Generation
from pollweb.accounts.models import User
from pollweb.gallery.models.strangers import StrangersQuerySet


class Reason(models.TextChoices):
    SEXUAL = "sexual", _("Sexual content")
    MINORS = "minors", _("Harms or sexualises a minor")
    VIOLENCE = "violence", _("Violence or cruelty")
    HATE = "hate", _("Hate")
    PERSON = "person", _("Shows a person who did not consent")
    COPYRIGHT = "copyright", _("Copyright or trademark")
    OTHER = "other", _("Something else")


class ReportQuerySet(StrangersQuerySet["Report"]):
    def open(self) -> Self:
        return self.filter(decided_at=None)

    def upheld(self) -> Self:
        return self.filter(is_upheld=True)


class Report(models.Model):
    """One visitor's, of one browser, against one item. `network` is that of its address, as `network_of` says it."""

    generation = models.ForeignKey(Generation, models.CASCADE, related_name="reports")
    reason = models.CharField(max_length=10, choices=Reason)
    words = models.TextField(blank=True)
    mail = models.EmailField(blank=True, help_text="where the reporter wants to be answered")
    browser = models.CharField(max_length=32)
    network = models.CharField(max_length=64)
    made_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    is_upheld = models.BooleanField(default=False)
    decision = models.CharField(max_length=200, blank=True, help_text="why, in the operator's words")

    objects = ReportQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["generation", "browser"], name="one_report_of_a_browser")]
        indexes = [
            models.Index(fields=["network", "made_at"], name="reports_of_network"),
            models.Index(fields=["generation", "-id"], name="open_reports", condition=models.Q(decided_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.reason} against {self.generation_id}"
