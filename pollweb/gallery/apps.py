from django.apps import AppConfig


class GalleryConfig(AppConfig):
    name = "pollweb.gallery"
    label = "gallery"
