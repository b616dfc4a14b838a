"""The gallery's own rows."""

from pollweb.gallery.models.announcements import Announcement, AnnouncementQuerySet
from pollweb.gallery.models.appeals import Appeal, AppealQuerySet
from pollweb.gallery.models.collections import (
    MOST_COLLECTIONS,
    MOST_ITEMS,
    Collection,
    CollectionQuerySet,
    Place,
    Profile,
    ProfileQuerySet,
)
from pollweb.gallery.models.reports import Reason, Report, ReportQuerySet
from pollweb.gallery.models.sensitivity import Sensitivity

__all__ = [
    "MOST_COLLECTIONS",
    "MOST_ITEMS",
    "Announcement",
    "AnnouncementQuerySet",
    "Appeal",
    "AppealQuerySet",
    "Collection",
    "CollectionQuerySet",
    "Place",
    "Profile",
    "ProfileQuerySet",
    "Reason",
    "Report",
    "ReportQuerySet",
    "Sensitivity",
]
