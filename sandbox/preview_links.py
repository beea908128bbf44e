"""Addresses of previews: made, found, judged.

`http://p-<token>-<port>.<PREVIEW_HOST>/`. The token is 32 characters of [a-z2-7] (a DNS
label holds 63 and has no case): 80 random bits, then 80 bits of an HMAC over them and the
port, so that a made-up address is refused without a look into the database. The row says
what it opens and until when; the token is the whole credential.
"""

import base64
import hmac
import re
import secrets
from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from sandbox.errors import BadRequest, MachineNotFound, SandboxNotReady, SandboxUserError
from sandbox.models import USABLE, Preview, Sandbox

HALF = 16
_LABEL = re.compile(r"p-([a-z2-7]{32})-([1-9][0-9]{0,4})")
_WEB_PORTS = {"http": "80", "https": "443"}
_LAST_PORT = 65535
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# Ports of the machine's own engine; a preview must not hand its API to a page.
CLOSED_PORTS = frozenset({2375, 2376})


class PreviewNeedsName(SandboxUserError):
    code = "preview_needs_name"
    message = _("Previews need a host name, and this site is open under an address without one.")
    hint = _(
        "Open it as http://localhost, or have PREVIEW_HOST or PREVIEW_PORTS set (docs/settings.md)."
    )


class PreviewNotFound(SandboxUserError):
    code = "not_found"
    message = "This port has no preview."
    hint = "Name the machine and port of one that you opened."
    status = 404


def _b32(data: bytes) -> str:
    return base64.b32encode(data).decode().lower()[:HALF]


def _seal(random: str, port: int) -> str:
    text = f"preview:{random}:{port}".encode()
    return _b32(hmac.digest(settings.SECRET_KEY.encode(), text, sha256))


def open_link(sandbox: Sandbox, machine: str, port: int, *, site_host: str) -> str:
    """The address of a port, the same as before while that one is valid; its time begins anew.

    `site_host`: the Host header under which the caller sees the site.
    Raises SandboxNotReady, MachineNotFound, BadRequest, PreviewNeedsName.
    """
    _check(sandbox, machine, port)
    if not reachable_from(site_host):
        raise PreviewNeedsName
    return link_of(opened(sandbox, machine, port))


def opened(sandbox: Sandbox, machine: str, port: int) -> Preview:
    """The preview of a port, the one there is while it is valid; its time begins anew.

    Raises SandboxNotReady, MachineNotFound, BadRequest.
    """
    _check(sandbox, machine, port)
    return _renewed(sandbox, machine, port) or _make(sandbox, machine, port)


def _check(sandbox: Sandbox, machine: str, port: int) -> None:
    if sandbox.state not in USABLE:
        raise SandboxNotReady
    if not sandbox.machines.filter(name=machine).exists():
        raise MachineNotFound
    if not 1 <= port <= _LAST_PORT or port in CLOSED_PORTS:
        raise BadRequest(f"Port {port} can't be previewed.", "Choose the port your app listens on.")


def revoke(sandbox: Sandbox, machine: str, port: int) -> None:
    """End the address of a port, whether or not it is valid still. Raises PreviewNotFound.

    What it has begun to answer is cut some seconds later.
    """
    previews = sandbox.previews.filter(machine=machine, port=port)
    if not 1 <= port <= _LAST_PORT or not previews.exists():
        raise PreviewNotFound
    previews.filter(revoked_at=None).update(revoked_at=timezone.now())


def _expiry() -> datetime:
    return timezone.now() + timedelta(seconds=settings.PREVIEW_LIFETIME_SECONDS)


def _renewed(sandbox: Sandbox, machine: str, port: int) -> Preview | None:
    valid = Preview.objects.filter(
        sandbox=sandbox, machine=machine, port=port, revoked_at=None, expires_at__gt=timezone.now()
    )
    return valid.first() if valid.update(expires_at=_expiry()) else None


def _make(sandbox: Sandbox, machine: str, port: int) -> Preview:
    random = _b32(secrets.token_bytes(10))
    fresh = {"token": random + _seal(random, port), "expires_at": _expiry()}
    port_of = {"sandbox": sandbox, "machine": machine, "port": port}
    try:
        with transaction.atomic():
            Preview.objects.filter(**port_of, expires_at__lte=timezone.now()).delete()
            Preview.objects.filter(**port_of, revoked_at__isnull=False).delete()
            return Preview.objects.create(**port_of, **fresh)
    except IntegrityError:
        # Another tab was faster: its address is ours.
        return Preview.objects.get(**port_of)


def link_of(preview: Preview) -> str:
    """The whole address of a preview."""
    scheme = settings.SITE_URL.partition("://")[0]
    return f"{scheme}://p-{preview.token}-{preview.port}.{settings.PREVIEW_HOST}/"


def reachable_from(site_host: str) -> bool:
    """Whether the preview's name resolves for somebody who sees the site as `site_host`.

    Browsers resolve *.localhost to themselves: right only on the machine itself.
    """
    if not settings.PREVIEW_HOST:
        return False
    if _name(settings.PREVIEW_HOST) != "localhost":
        return True
    return _name(site_host) in LOOPBACK


def _split(host: str) -> tuple[str, str]:
    """Name and port of a Host header; the port is the scheme's where none is written."""
    name, colon, port = host.lower().rpartition(":")
    if not colon or not port.isdecimal():
        name, port = host.lower(), _WEB_PORTS.get(settings.SITE_URL.partition("://")[0], "")
    return name.rstrip(".").strip("[]"), port


def _name(host: str) -> str:
    return _split(host)[0]


def is_preview_host(host: str) -> bool:
    """Whether a Host header names a preview, valid or not."""
    label, _, parent = _name(host).partition(".")
    return (
        bool(settings.PREVIEW_HOST)
        and label.startswith("p-")
        and parent == _name(settings.PREVIEW_HOST)
    )


def find(host: str) -> Preview | None:
    """The preview that a Host header names, if it is genuine, valid and its sandbox is up."""
    name, site_port = _split(host)
    match = _LABEL.fullmatch(name.partition(".")[0])
    if match is None or not is_preview_host(host) or site_port != _split(settings.PREVIEW_HOST)[1]:
        return None
    return valid_preview(match[1], int(match[2]))


def valid_preview(token: str, port: int) -> Preview | None:
    """The preview of a machine's port by its token, if that is genuine, valid, and the sandbox up."""
    if not hmac.compare_digest(token[HALF:], _seal(token[:HALF], port)):
        return None
    return (
        Preview.objects.select_related("sandbox")
        .filter(token=token, port=port, revoked_at=None, expires_at__gt=timezone.now())
        .filter(sandbox__state__in=USABLE)
        .first()
    )
