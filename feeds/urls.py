"""The addresses of the wall's page. Its events stand with the API, which streams."""

from django.urls import path

from feeds import views

urlpatterns = [
    path("live", views.live, name="live"),
]
