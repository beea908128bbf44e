"""Addresses of the site."""

from django.urls import include, path
from django.utils.module_loading import import_string

from config.api import api

urlpatterns = [
    path("words.js", import_string("courses.languages.Words").as_view(), name="words"),
    path("language", import_string("courses.languages.choose"), name="language"),
    path("", include("courses.urls")),
    path("", include("sandbox.urls")),
    path("", include("classroom.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("api/v1/", api.urls),
    path("api/docs", api.docs_page),
]
