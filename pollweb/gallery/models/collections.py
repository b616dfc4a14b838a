"""What people keep of the gallery: collections of results, and a page of their own."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from generation.models import Generation, GenerationQuerySet
from pollweb.accounts.models import User
from pollweb.lib import ids

MOST_COLLECTIONS = 100  # of one person
MOST_ITEMS = 2000  # of one collection

VISIBILITIES = [("private", "private"), ("unlisted", "unlisted"), ("public", "public")]


class CollectionQuerySet(models.QuerySet["Collection"]):
    def of(self, person: User) -> Self:
        """Their own, what they saved first, then the newest."""
        return self.filter(person=person).order_by("-is_saved", "-pk")

    def public(self) -> Self:
        return self.filter(visibility="public", person__is_active=True)

    def open(self) -> Self:
        """Public, or shown to whoever has the address."""
        return self.filter(visibility__in=("public", "unlisted"), person__is_active=True)


class Collection(models.Model):
    """Results that a person chose, in an order of theirs. `is_saved`: the one that the heart fills, always private."""

    public_id = models.CharField(max_length=22, unique=True, default=ids.public_id, editable=False)
    person = models.ForeignKey(User, models.CASCADE, related_name="collections")
    title = models.CharField(max_length=80, blank=True)
    note = models.TextField(max_length=2000, blank=True)
    visibility = models.CharField(max_length=8, choices=VISIBILITIES, default="private")
    is_saved = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now)

    objects = CollectionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person"], condition=Q(is_saved=True), name="one_place_for_saves")
        ]

    def __str__(self) -> str:
        return self.title or self.public_id

    def items(self) -> GenerationQuerySet:
        """Its results that are public now, in its order."""
        return Generation.objects.public().filter(places__collection=self).order_by("-places__position")


class Place(models.Model):
    """A result in a collection; the highest position stands first, and none is 0 or less (pollweb.gallery.order)."""

    collection = models.ForeignKey(Collection, models.CASCADE, related_name="places", db_index=False)
    generation = models.ForeignKey(Generation, models.CASCADE, related_name="places")
    position = models.BigIntegerField()
    added_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["collection", "-position"], name="places_in_order")]
        constraints = [models.UniqueConstraint(fields=["collection", "generation"], name="one_place_in_a_collection")]

    def __str__(self) -> str:
        return f"{self.generation_id} in {self.collection_id}"


class ProfileQuerySet(models.QuerySet["Profile"]):
    def shown(self) -> Self:
        return self.filter(is_shown=True, person__is_active=True)

    def team_of(self, handle: str) -> int | None:
        """Not a queryset: the key of the team whose public results a shown profile shows."""
        return self.shown().filter(handle=handle).values_list("person__personal_team", flat=True).first()


class Profile(models.Model):
    """A person as others see them, if that person wants it."""

    person = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="profile")
    handle = models.CharField(max_length=30, unique=True)
    name = models.CharField(max_length=80, blank=True)
    about = models.TextField(max_length=500, blank=True)
    is_shown = models.BooleanField(default=False)

    objects = ProfileQuerySet.as_manager()

    def __str__(self) -> str:
        return f"@{self.handle}"

    def items(self) -> GenerationQuerySet:
        """What their team of one made public, newest first."""
        return Generation.objects.public().filter(team__person=self.person_id).newest_first()
