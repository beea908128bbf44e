"""Addresses for those who run the site, and for those who teach."""

from django.urls import path

from classroom import class_views, operate

urlpatterns = [
    path("operate/", operate.operate, name="operate"),
    path("operate/examine", operate.examine, name="operate-examine"),
    path("join/", class_views.join, name="join"),
    path("classes/", class_views.all_classes, name="classes"),
    path("classes/open", class_views.open_class, name="class-open"),
    path("classes/<slug:code>/", class_views.one_class, name="class"),
    path("classes/<slug:code>/warm", class_views.warm, name="class-warm"),
    path("classes/<slug:code>/forget", class_views.forget, name="class-forget"),
]
