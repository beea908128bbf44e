"""Addresses of static files are Django's own."""

import pytest
from django.contrib.staticfiles.storage import StaticFilesStorage, staticfiles_storage
from django.template import engines

from config.static_urls import KeptUrls

NAMES = ["css/base.css", "js/a file.js", "vendor/ü.js", "js/x.js?v=1"]


def test_pages_use_it() -> None:
    page = engines["django"].from_string("{% load static %}{% static 'css/base.css' %}")
    assert page.render() == "/static/css/base.css"
    assert isinstance(staticfiles_storage._wrapped, KeptUrls)


@pytest.mark.parametrize("name", NAMES)
def test_an_address_is_the_same_the_first_time_and_later(name: str) -> None:
    kept, plain = KeptUrls(), StaticFilesStorage()
    assert [kept.url(name), kept.url(name)] == [plain.url(name)] * 2


def test_each_is_put_together_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []
    monkeypatch.setattr(
        StaticFilesStorage, "url", lambda self, name: asked.append(name) or f"/{name}"
    )
    kept = KeptUrls()
    assert [kept.url("a"), kept.url("b"), kept.url("a")] == ["/a", "/b", "/a"]
    assert asked == ["a", "b"]
