"""The gallery's addresses."""

from django.urls import path, re_path

from pollweb.gallery import explore, item

ITEM = "(?P<public_id>[0-9A-Za-z_-]{22})"

urlpatterns = [
    path("", explore.explore, name="explore"),
    re_path(rf"^p/{ITEM}$", item.page, name="item"),
    re_path(rf"^p/{ITEM}\.json$", item.data, name="item-data"),
    re_path(rf"^p/{ITEM}/download$", item.download, name="item-download"),
    re_path(r"^p/(?P<prompt>.+)$", item.to_image_api, name="prompt"),
]
