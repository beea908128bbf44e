"""Which way a browser gets to a preview: by a host name of its own, else by a port of its own."""

from typing import NamedTuple

from sandbox import preview_links, preview_ports
from sandbox.models import Sandbox


class Opened(NamedTuple):
    """A preview's address, and the way: "name" or "port"."""

    url: str
    way: str


def open_preview(sandbox: Sandbox, machine: str, port: int, *, site_host: str) -> Opened:
    """Open a port of a machine for somebody who sees the site as `site_host` (a Host header).

    Raises SandboxNotReady, MachineNotFound, BadRequest, PreviewNeedsName, PreviewPortsTaken.
    """
    by_port = preview_ports.site_name(site_host)
    if by_port is None or preview_links.reachable_from(site_host):
        url = preview_links.open_link(sandbox, machine, port, site_host=site_host)
        return Opened(url, "name")
    preview = preview_links.opened(sandbox, machine, port)
    number = preview_ports.claim(preview)
    return Opened(f"http://{by_port}:{number}/p-{preview.token}/", "port")
