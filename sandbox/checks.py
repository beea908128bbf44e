"""System checks of the sandbox settings: ids `sandbox.E…`, each with what to do."""

from typing import Any

import limits
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from sandbox import egress, preview_ports
from sandbox.promises import BY_ID, accepted
from sandbox.specs import RUNNABLE_KINDS

POSITIVE = (
    "SANDBOX_LIFETIME_SECONDS",
    "SANDBOX_EXTEND_SECONDS",
    "SANDBOX_IDLE_SECONDS",
    "SANDBOX_STALL_SECONDS",
    "SANDBOX_ATTEMPTS",
    "SANDBOX_SHELL_MEMORY_MIB",
    "SANDBOX_SHELL_CPUS",
    "SANDBOX_SHELL_PIDS",
    "SANDBOX_DOCKER_MEMORY_MIB",
    "SANDBOX_DOCKER_CPUS",
    "SANDBOX_DOCKER_PIDS",
    "SANDBOX_VM_MEMORY_MIB",
    "SANDBOX_VM_CPUS",
    "SANDBOX_VM_PIDS",
    "SANDBOX_CREATES_IN_FLIGHT",
    "SANDBOX_DISK_FULL_PERCENT",
    "SANDBOX_POOL_IN_FLIGHT",
    "SANDBOX_POOL_AGE_SECONDS",
    "SANDBOX_DOCKER_DISK_MIB",
    "TERMINAL_RING_BYTES",
    "TERMINAL_WINDOW_BYTES",
    "TERMINAL_RECORDING_LEARNER_MIB",
    "PREVIEW_LIFETIME_SECONDS",
)
RATES = ("START_RATE_LEARNER", "START_RATE_ADDRESS", "START_RATE_CLASS")
# A smaller window than the contract's would stall clients that acknowledge every 128 KiB.
SMALLEST_WINDOW_BYTES = 512 * 1024
# More than between two signs of life (`creation.HEARTBEAT_SECONDS`).
SHORTEST_STALL_SECONDS = 5
# With a tick that comes late, nothing is left to a dead worker for a minute.
LONGEST_STALL_SECONDS = 45


@register()
def check_sandbox_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Find values that can't work before anything is started with them."""
    problems: list[CheckMessage] = [
        Error(f"{name} must be more than 0.", hint="See docs/settings.md.", id="sandbox.E001")
        for name in POSITIVE
        if getattr(settings, name) <= 0
    ]
    if not settings.DOCKER_HOST.startswith(("unix://", "tcp://")):
        problems.append(
            Error(
                "DOCKER_HOST must be unix:///path or tcp://host:port.",
                hint="The usual one is unix:///var/run/docker.sock.",
                id="sandbox.E002",
            )
        )
    if not 1 <= settings.SANDBOX_MEMORY_PERCENT <= 400:
        problems.append(
            Error(
                "SANDBOX_MEMORY_PERCENT must be between 1 and 400.",
                hint="80 leaves room for the platform; more than 100 oversells memory.",
                id="sandbox.E003",
            )
        )
    if settings.TERMINAL_WINDOW_BYTES < SMALLEST_WINDOW_BYTES:
        problems.append(
            Error(
                "TERMINAL_WINDOW_BYTES must be at least 524288.",
                hint="Clients acknowledge every 128 KiB; see docs/settings.md.",
                id="sandbox.E004",
            )
        )
    if not SHORTEST_STALL_SECONDS <= settings.SANDBOX_STALL_SECONDS <= LONGEST_STALL_SECONDS:
        problems.append(
            Error(
                f"SANDBOX_STALL_SECONDS must be between {SHORTEST_STALL_SECONDS}"
                f" and {LONGEST_STALL_SECONDS}.",
                hint="A worker that lives says so every few seconds; what a dead one left is"
                " taken over within a minute.",
                id="sandbox.E014",
            )
        )
    return [
        *problems,
        *_rate_problems(),
        *_risk_problems(),
        *_egress_problems(),
        *_port_problems(),
    ]


def _port_problems() -> list[CheckMessage]:
    """A range that can't be read would leave previews to names, which then do not resolve."""
    try:
        preview_ports.wanted()
    except ValueError:
        return [
            Error(
                f"PREVIEW_PORTS is no range of ports: {settings.PREVIEW_PORTS!r}.",
                hint="Write <first>-<last>, such as 8100-8299.",
                id="sandbox.E013",
            )
        ]
    return []


def _rate_problems() -> list[CheckMessage]:
    """Rates that the limiter can't read would fail every Start."""
    return [
        Error(
            f"{name} is not a rate: {getattr(settings, name)!r}.",
            hint="Write <count>/<unit>, such as 10/minute or 600/hour.",
            id="sandbox.E010",
        )
        for name in RATES
        if not _is_rate(getattr(settings, name))
    ]


def _is_rate(text: str) -> bool:
    try:
        return limits.parse(text).amount > 0
    except ValueError:
        return False


def _risk_problems() -> list[CheckMessage]:
    """A promise that is misspelt would be accepted by nobody, and its kind stay off."""
    unknown = sorted(accepted() - set(BY_ID))
    if not unknown:
        return []
    return [
        Error(
            f"SANDBOX_ACCEPT_RISK names no promise: {', '.join(unknown)}.",
            hint=f"The promises are {', '.join(BY_ID)}.",
            id="sandbox.E011",
        )
    ]


def _egress_problems() -> list[CheckMessage]:
    """A host that is misspelt would be reached by nobody, and seem to be down."""
    problems: list[CheckMessage] = []
    for kind in sorted(RUNNABLE_KINDS):
        try:
            egress.allowed(kind)
        except ValueError as error:
            problems.append(
                Error(
                    f"SANDBOX_EGRESS_{kind.upper()}: {error}.",
                    hint=f"Write host:port, or host:port=address, such as {egress.EXAMPLES}.",
                    id="sandbox.E012",
                )
            )
    return problems
