"""Addresses for those who run the site, for those who teach, and for learners of a class."""

from django.urls import path

from classroom import class_views, join_views, operate, seat_views

urlpatterns = [
    path("operate/", operate.operate, name="operate"),
    path("operate/examine", operate.examine, name="operate-examine"),
    path("join/", join_views.join, name="join"),
    path("join/leave", join_views.leave, name="class-leave"),
    path("classes/", class_views.all_classes, name="classes"),
    path("classes/open", class_views.open_class, name="class-open"),
    path("classes/<slug:code>/", class_views.one_class, name="class"),
    path("classes/<slug:code>/board", class_views.board, name="class-board"),
    path("classes/<slug:code>/warm", class_views.warm, name="class-warm"),
    path("classes/<slug:code>/forget", class_views.forget, name="class-forget"),
    path("classes/<slug:code>/allow", class_views.allow, name="class-allow"),
    path("classes/<slug:code>/seats/<int:seat_id>/", seat_views.one_seat, name="seat"),
    path("classes/<slug:code>/seats/<int:seat_id>/live", seat_views.live, name="seat-live"),
    path("classes/<slug:code>/seats/<int:seat_id>/remove", seat_views.remove, name="seat-remove"),
    path("classes/<slug:code>/close", class_views.close, name="class-close"),
]
