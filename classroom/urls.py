"""Addresses for those who run the site."""

from django.urls import path

from classroom import operate

urlpatterns = [
    path("operate/", operate.operate, name="operate"),
    path("operate/examine", operate.examine, name="operate-examine"),
]
