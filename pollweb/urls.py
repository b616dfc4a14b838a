"""The site's addresses."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from pollweb import marks, playground, public, views
from pollweb.handbook import views as handbook

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("pollweb.gallery.urls")),
    path("", include("generation.web.urls")),
    path("", include("feeds.urls")),
    path("", include("pollweb.accounts.urls")),
    path("docs", handbook.guide, name="docs"),
    path("docs/react", playground.react, name="react"),
    path("docs/reference", handbook.reference, name="reference"),
    path("docs/<slug:slug>", handbook.guide, name="guide"),
    path("docs/<slug:slug>.md", handbook.source, name="guide-source"),
    path("llms.txt", handbook.llms, name="llms"),
    path("preferences", views.preferences, name="preferences"),
    path("language", views.language, name="language"),
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}img/mark.svg")),
    path("robots.txt", views.robots, name="robots"),
    path("about", public.about, name="about"),
    path("labels", marks.page, name="labels"),
    path("sitemap.xml", public.sitemap, name="sitemap"),
    path(".well-known/security.txt", public.security, name="security"),
]

handler400 = views.bad_request
handler403 = views.forbidden
handler404 = views.not_found
handler429 = views.too_many
handler500 = views.broken
