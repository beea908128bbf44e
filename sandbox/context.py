"""What every page knows of the host below."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from sandbox import hosts


def platform(request: HttpRequest) -> dict[str, Any]:
    """Template variable `platform`: the kernel that is really there, whether Start works, and whether
    terminals are recorded."""
    host = hosts.glance()
    state = hosts.availability_on(host)
    return {
        "platform": {
            "kernel_release": host.kernel_release if host else "",
            "boot_id": host.boot_id if host else "",
            "engine_available": state.available,
            "engine_message": state.message,
            "engine_hint": state.hint,
            "records": settings.TERMINAL_RECORDING,
        }
    }
