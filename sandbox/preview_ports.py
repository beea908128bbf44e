"""Ports of the site's own address, each of which shows one preview while that is open.

For rooms without DNS, where no name below PREVIEW_HOST resolves. The database says which ports
a console listens on and which preview each shows, so that any process can give one out, and
a console that starts again goes on where the last one was.
"""

from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from sandbox import preview_links
from sandbox.errors import SandboxUserError
from sandbox.models import USABLE, Preview, PreviewPort

# A console says that it listens every BEAT_SECONDS; after HELD_SECONDS of silence it is gone.
BEAT_SECONDS = 10
HELD_SECONDS = 30
LAST_PORT = 65535


class PreviewPortsTaken(SandboxUserError):
    code = "preview_ports_taken"
    message = _("All ports for previews are in use.")
    hint = _("Stop machines that nobody needs, or have the operator widen PREVIEW_PORTS.")
    status = 503


def wanted() -> range:
    """The ports that PREVIEW_PORTS names, `first-last`. Raises ValueError."""
    if not settings.PREVIEW_PORTS:
        return range(0)
    first, dash, last = settings.PREVIEW_PORTS.partition("-")
    ports = range(int(first), int(last if dash else first) + 1)
    if not ports or ports[0] < 1 or ports[-1] > LAST_PORT:
        raise ValueError(f"{settings.PREVIEW_PORTS} is no range of ports")
    return ports


def site_name(host: str) -> str | None:
    """The name in a Host header as it stands in an address, if it is one of the site's own.

    None where previews have no ports, and for a site by HTTPS: the ports speak plain HTTP,
    which its pages may not frame.
    """
    if not settings.PREVIEW_PORTS:
        return None
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return None
    own = (urlsplit(url) for url in (settings.SITE_URL, *settings.SITE_URLS_EXTRA))
    if name is None or name not in {url.hostname for url in own if url.scheme == "http"}:
        return None
    return f"[{name}]" if ":" in name else name


def hold(console: str, numbers: list[int]) -> None:
    """Say that a console listens on these ports from now on, for HELD_SECONDS."""
    until = timezone.now() + timedelta(seconds=HELD_SECONDS)
    PreviewPort.objects.bulk_create(
        [PreviewPort(number=number, console=console, listened_until=until) for number in numbers],
        update_conflicts=True,
        unique_fields=["number"],
        update_fields=["console", "listened_until"],
    )


def release(console: str) -> None:
    """Say that a console listens no more. What its ports show is kept for the next one."""
    PreviewPort.objects.filter(console=console).update(listened_until=timezone.now())


def claim(preview: Preview) -> int:
    """The port that shows a preview: the one it has, else one that shows none that is valid.

    Raises PreviewPortsTaken.
    """
    while True:
        now = timezone.now()
        listened = PreviewPort.objects.filter(listened_until__gt=now)
        over = (
            Q(preview=None)
            | Q(preview__revoked_at__isnull=False)
            | Q(preview__expires_at__lte=now)
            | ~Q(preview__sandbox__state__in=USABLE)
        )
        # The one that was unused for the longest: browsers keep what an origin stored.
        longest_unused = F("claimed_at").asc(nulls_first=True)
        free = listened.filter(over).order_by(longest_unused, "number").first()
        # Looked at later than the free ones: another tab may just have taken the last for us.
        if mine := listened.filter(preview=preview).first():
            return mine.number
        if free is None:
            raise PreviewPortsTaken
        if _take(free, preview):
            return free.number


def _take(free: PreviewPort, preview: Preview) -> bool:
    now = timezone.now()
    # Zero rows: somebody else was faster.
    row = PreviewPort.objects.filter(pk=free.pk, preview=free.preview_id)
    try:
        with transaction.atomic():
            mine = PreviewPort.objects.filter(preview=preview, listened_until__lte=now)
            mine.update(preview=None)  # nobody listens there any more
            return row.update(preview=preview, claimed_at=now) > 0
    except IntegrityError:
        return False  # another tab has found a port for this preview meanwhile


def find(number: int, token: str) -> Preview | None:
    """The valid preview that a port shows, for whoever has its token."""
    shown = PreviewPort.objects.filter(number=number, preview=token)
    port = shown.values_list("preview__port", flat=True).first()
    return None if port is None else preview_links.valid_preview(token, port)
