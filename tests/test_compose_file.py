"""The compose file against the settings: what an operator sets must reach the services."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Fixed in the image, meant for one-machine use, or a folder that is mounted instead.
NOT_FOR_COMPOSE = {"SLIPWAY_DATA", "COURSES_PATH", "PREVIEW_PORT", "AUTHOR_COURSE"}


def test_every_setting_is_handed_to_the_services() -> None:
    settings = (ROOT / "config" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"", settings))
    assert len(read) > 30
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    named = set(re.findall(r"^  ([A-Z_]+):", compose, re.MULTILINE))
    assert read - named - NOT_FOR_COMPOSE == set()


def test_image_names_are_the_same_in_compose_file_and_preparation() -> None:
    from deploy.base_images import BASE_IMAGES

    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    for image in BASE_IMAGES:
        assert f"${{{image.variable}:-{image.public}}}" in compose
