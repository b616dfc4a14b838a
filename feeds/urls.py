"""The addresses of the wall's pages. Its events stand with the API, which streams."""

from django.urls import path

from feeds import staff, views, wall_pages

urlpatterns = [
    path("live", views.live, name="live"),
    path("live/kiosk", views.kiosk, name="kiosk"),
    path("wall/<slug:wall>", views.live, name="wall"),
    path("wall/<slug:wall>/kiosk", views.kiosk, name="wall-kiosk"),
    path("t/<slug:team>/walls", wall_pages.walls_list, name="team-walls"),
    path("t/<slug:team>/walls/<int:wall>", wall_pages.one, name="team-walls-one"),
    path("t/<slug:team>/walls/<int:wall>/change", wall_pages.change, name="team-walls-change"),
    path("t/<slug:team>/walls/<int:wall>/remove", wall_pages.remove, name="team-walls-remove"),
    path("t/<slug:team>/walls/<int:wall>/reload", wall_pages.reload, name="team-walls-reload"),
    path("t/<slug:team>/walls/<int:wall>/screens", wall_pages.add_screen, name="team-walls-screens"),
    path("t/<slug:team>/screens/<int:screen>/change", wall_pages.change_screen, name="team-walls-screen-change"),
    path("t/<slug:team>/screens/<int:screen>/reload", wall_pages.reload_screen, name="team-walls-screen-reload"),
    path("t/<slug:team>/screens/<int:screen>/key", wall_pages.rotate, name="team-walls-screen-key"),
    path("t/<slug:team>/screens/<int:screen>/remove", wall_pages.remove_screen, name="team-walls-screen-remove"),
    path("staff/feed", staff.feed, name="staff-feed"),
    path("staff/feed/decide", staff.decide, name="staff-feed-decide"),
    path("staff/feed/pause", staff.pause, name="staff-feed-pause"),
    path("staff/feed/act", staff.act, name="staff-feed-act"),
    path("staff/feed/approve", staff.approve_all, name="staff-feed-approve"),
]
