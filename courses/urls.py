"""Addresses of the course pages."""

from django.urls import path

from courses import certificate_views, views

urlpatterns = [
    path("", views.home, name="home"),
    path("search/", views.search, name="search"),
    path(
        "certificates/for/<slug:course>/",
        certificate_views.own_certificate,
        name="own-certificate",
    ),
    path("certificates/<slug:code>/", certificate_views.certificate, name="certificate"),
    path("glossary/<slug:course>/", views.glossary, name="glossary"),
    path("courses/<slug:course>/", views.course, name="course"),
    path("courses/<slug:course>/<slug:lesson>/", views.lesson, name="lesson"),
    path(
        "courses/<slug:course>/<slug:lesson>/pictures/<str:name>",
        views.picture,
        name="picture",
    ),
]
