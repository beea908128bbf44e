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


def test_the_ports_for_previews_are_the_same_in_compose_file_and_proxy() -> None:
    compose = (ROOT / "docker-compose.previews.yml").read_text(encoding="utf-8")
    proxy = (ROOT / "deploy" / "nginx-previews.conf").read_text(encoding="utf-8")
    (listened,) = re.findall(r"^    listen (\d+-\d+);$", proxy, re.MULTILINE)
    assert f"PREVIEW_PORTS: {listened}\n" in compose
    assert f':{listened}:{listened}"\n' in compose
    # Put where the proxy's own configuration looks.
    included = "include /etc/nginx/slipway-servers/*.conf;"
    assert included in (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    assert "nginx-previews.conf:/etc/nginx/slipway-servers/previews.conf:ro" in compose
