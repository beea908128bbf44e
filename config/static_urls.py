"""Addresses of static files, each put together once: a lesson's page names ninety of them."""

from django.contrib.staticfiles.storage import StaticFilesStorage


class KeptUrls(StaticFilesStorage):
    """Django's storage, which parses and joins for every `{% static %}`: a sixth of a page."""

    def __init__(self) -> None:
        super().__init__()
        self._urls: dict[str | None, str] = {}

    def url(self, name: str | None) -> str:
        """As Django's. Names come from templates and code, so there are only so many."""
        if (found := self._urls.get(name)) is None:
            found = self._urls[name] = super().url(name)
        return found
