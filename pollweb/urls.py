"""The site's addresses."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from django.views.i18n import set_language

from pollweb import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("pollweb.gallery.urls")),
    path("", include("generation.web.urls")),
    path("", include("feeds.urls")),
    path("preferences", views.preferences, name="preferences"),
    path("language", set_language, name="language"),
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}img/mark.svg")),
    path("robots.txt", views.robots, name="robots"),
]

handler400 = views.bad_request
handler403 = views.forbidden
handler404 = views.not_found
handler500 = views.broken
