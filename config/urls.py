"""Addresses of the site."""

from django.urls import include, path

from config.api import api

urlpatterns = [
    path("", include("courses.urls")),
    path("", include("sandbox.urls")),
    path("", include("classroom.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("api/v1/", api.urls),
    path("api/docs", api.docs_page),
]
