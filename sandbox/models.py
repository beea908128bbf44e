"""Sandboxes and their machines: the truth about what should exist on the engine."""

import base64
import secrets
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from sandbox.measured import Run as Run


class State(models.TextChoices):
    """States of a sandbox; `TRANSITIONS` says which may follow which."""

    REQUESTED = "requested"
    QUEUED = "queued"
    STARTING = "starting"
    READY = "ready"
    EXPIRING = "expiring"
    STOPPING = "stopping"
    GONE = "gone"
    FAILED = "failed"


# FAILED is an end for the learner; the engine objects of a failed sandbox are removed
# before it gets there (`cleaned_at`), and by reconciliation if that did not work.
TRANSITIONS: dict[str, frozenset[str]] = {
    State.REQUESTED: frozenset({State.QUEUED, State.STARTING, State.STOPPING, State.FAILED}),
    State.QUEUED: frozenset({State.STARTING, State.STOPPING, State.FAILED}),
    # Back to REQUESTED: a warm machine was claimed, and is not as it was made.
    State.STARTING: frozenset({State.READY, State.STOPPING, State.FAILED, State.REQUESTED}),
    State.READY: frozenset({State.EXPIRING, State.STOPPING, State.FAILED, State.REQUESTED}),
    State.EXPIRING: frozenset({State.READY, State.STOPPING, State.FAILED, State.REQUESTED}),
    State.STOPPING: frozenset({State.GONE, State.FAILED}),
    State.GONE: frozenset(),
    State.FAILED: frozenset({State.STOPPING}),
}
LIVE = (
    State.REQUESTED,
    State.QUEUED,
    State.STARTING,
    State.READY,
    State.EXPIRING,
)
USABLE = (State.READY, State.EXPIRING)
# States in which machines take up memory, or are about to.
ADMITTED = (State.STARTING, State.READY, State.EXPIRING, State.STOPPING)


def make_sandbox_id() -> str:
    """Twelve characters of [a-z2-7]: fits container names, DNS labels and URLs."""
    return base64.b32encode(secrets.token_bytes(8)).decode().lower()[:12]


@dataclass(frozen=True)
class JustMade:
    """What a Start knows of the rows it wrote; its answer need not read them again."""

    # In the queue of its state, from 1.
    place: int
    machines: list["Machine"]


class Sandbox(models.Model):
    """The machines of one learner for one lesson, from Start to gone."""

    id = models.CharField(primary_key=True, max_length=12, default=make_sandbox_id)
    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sandboxes"
    )
    course = models.CharField(max_length=100)
    lesson = models.CharField(max_length=100)
    state = models.CharField(max_length=12, choices=State.choices, default=State.REQUESTED)
    spec = models.JSONField()
    memory_bytes = models.BigIntegerField()

    # Stages so far: [{"name": str, "seconds": float since Start}].
    stages = models.JSONField(default=list)
    # A worker holds the row by this token; whoever changes it takes the work over.
    claim = models.CharField(max_length=32, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # A reset: the next creation removes the old machines first.
    rebuild = models.BooleanField(default=False)

    created_at = models.DateTimeField(auto_now_add=True)
    # When this try at getting ready began: Start, or the latest Reset.
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    ready_at = models.DateTimeField(null=True)
    ready_seconds = models.FloatField(null=True)
    expires_at = models.DateTimeField(null=True)
    extensions = models.PositiveSmallIntegerField(default=0)
    last_seen_at = models.DateTimeField(null=True)
    gone_at = models.DateTimeField(null=True)
    cleaned_at = models.DateTimeField(null=True)

    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.CharField(max_length=500, blank=True)
    error_hint = models.CharField(max_length=500, blank=True)

    # Only on the object that a Start has just written.
    just_made: JustMade | None = None

    class Meta:
        constraints = [
            # Double clicks and two tabs are harmless: the second insert loses.
            models.UniqueConstraint(
                fields=["learner"],
                condition=Q(state__in=["requested", "queued", "starting", "ready", "expiring"]),
                name="one_live_sandbox_per_learner",
            )
        ]
        indexes = [
            models.Index(fields=["state", "created_at"]),
            # The latest starts, from which the next ones' time is estimated.
            models.Index(fields=["-ready_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.id} ({self.course}/{self.lesson}, {self.state})"

    def refresh_from_db(self, *args: Any, **options: Any) -> None:
        """As Django's; what was true when the rows were written is forgotten."""
        super().refresh_from_db(*args, **options)
        self.just_made = None


class GuestFacts(models.Model):
    """What is known of the guest of a `vm` machine; all empty for other kinds.

    `kernel_release` and `boot_id` of the machine are then the guest's own, these the host's.
    """

    guest = models.CharField(max_length=10, blank=True)
    host_kernel_release = models.CharField(max_length=100, blank=True)
    host_boot_id = models.CharField(max_length=40, blank=True)
    # "kvm" or "tcg"; why it is emulated, in words for learners, empty when it is not.
    accelerator = models.CharField(max_length=10, blank=True)
    emulated = models.CharField(max_length=400, blank=True)
    # "booted" or "restored", the seconds from QEMU's start to the prompt, boots that hung before.
    guest_how = models.CharField(max_length=10, blank=True)
    guest_seconds = models.FloatField(null=True)
    guest_hangs = models.PositiveSmallIntegerField(default=0)

    class Meta:
        abstract = True


class Machine(GuestFacts):
    """One machine of a sandbox and what was read from it when it came up."""

    sandbox = models.ForeignKey(Sandbox, on_delete=models.CASCADE, related_name="machines")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=31)
    kind = models.CharField(max_length=10)
    container_id = models.CharField(max_length=64, blank=True)
    image = models.CharField(max_length=200, blank=True)
    kernel_release = models.CharField(max_length=100, blank=True)
    boot_id = models.CharField(max_length=40, blank=True)
    shell_pid = models.PositiveIntegerField(null=True)
    # What this machine can't do here although its kind promises it, in words.
    notice = models.CharField(max_length=300, blank=True)
    ready = models.BooleanField(default=False)
    # Numbers of the main terminal's output bytes below this may have been given to browsers.
    output_numbers_used = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["sandbox", "name"], name="machine_name_in_sandbox")
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.sandbox_id}"


class TerminalName(models.Model):
    """A terminal of a machine beside `main`, or the title that somebody gave to `main`."""

    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="terminal_names")
    name = models.CharField(max_length=20)
    title = models.CharField(max_length=40)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["machine", "name"], name="terminal_name_in_machine")
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.machine}"


class Recording(models.Model):
    """What one terminal showed while one console had it open. `sandbox` outlives the row it names."""

    id = models.CharField(primary_key=True, max_length=12, default=make_sandbox_id)
    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recordings"
    )
    sandbox = models.CharField(max_length=12)
    course = models.CharField(max_length=100)
    lesson = models.CharField(max_length=100)
    machine = models.CharField(max_length=31)
    terminal = models.CharField(max_length=20)
    title = models.CharField(max_length=120)
    columns = models.PositiveIntegerField()
    rows = models.PositiveIntegerField()
    started_at = models.DateTimeField(auto_now_add=True)
    seconds = models.FloatField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)
    parts = models.PositiveIntegerField(default=0)
    cut = models.BooleanField(default=False)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.terminal} of {self.machine} in {self.sandbox}"


class RecordingPart(models.Model):
    """Some seconds of a recording: asciicast event lines, compressed (zlib)."""

    recording = models.ForeignKey(Recording, on_delete=models.CASCADE)
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["recording", "number"], name="recording_part_once")
        ]

    def __str__(self) -> str:
        return f"part {self.number} of {self.recording_id}"


class WarmState(models.TextChoices):
    """States of a warm machine; each follows only the one before, DISCARDED any but CLAIMED."""

    MAKING = "making"
    READY = "ready"
    CLAIMED = "claimed"
    DISCARDED = "discarded"


class WarmMachine(GuestFacts):
    """A machine made before anybody asked; its engine objects carry its id as `slipway.sandbox`."""

    id = models.CharField(primary_key=True, max_length=12, default=make_sandbox_id)
    kind = models.CharField(max_length=10)
    name = models.CharField(max_length=31)
    state = models.CharField(max_length=10, choices=WarmState.choices, default=WarmState.MAKING)
    sandbox = models.ForeignKey(
        Sandbox, null=True, on_delete=models.CASCADE, related_name="warm_machines"
    )
    memory_bytes = models.BigIntegerField()
    container_id = models.CharField(max_length=64, blank=True)
    image = models.CharField(max_length=200, blank=True)
    kernel_release = models.CharField(max_length=100, blank=True)
    boot_id = models.CharField(max_length=40, blank=True)
    shell_pid = models.PositiveIntegerField(null=True)
    notice = models.CharField(max_length=300, blank=True)
    # When the engine says that its container began to run; another value is another run.
    engine_started_at = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "kind", "name", "ready_at"])]

    def __str__(self) -> str:
        return f"warm {self.kind} {self.name} {self.id} ({self.state})"


class PoolShape(models.Model):
    """A kind of machine under a name that lessons give it: what a warm machine can stand in for."""

    kind = models.CharField(max_length=10)
    name = models.CharField(max_length=31)
    lessons = models.PositiveIntegerField(default=0)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "name"], name="one_row_per_pool_shape")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class PoolOrder(models.Model):
    """So many warm machines of a shape for a while, for a class that is about to begin."""

    kind = models.CharField(max_length=10)
    name = models.CharField(max_length=31)
    count = models.PositiveIntegerField()
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.count} {self.kind} {self.name} from {self.begins_at:%H:%M}"


class Preview(models.Model):
    """An address under which one port of one machine can be seen."""

    token = models.CharField(primary_key=True, max_length=40)
    sandbox = models.ForeignKey(Sandbox, on_delete=models.CASCADE, related_name="previews")
    machine = models.CharField(max_length=31)
    port = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["sandbox", "machine", "port"], name="one_preview_per_port"
            )
        ]

    def __str__(self) -> str:
        return f"{self.machine}:{self.port} of {self.sandbox_id}"


class PreviewPort(models.Model):
    """A port of the site's address at which a console listens, and the preview it shows."""

    number = models.PositiveIntegerField(primary_key=True)
    console = models.CharField(max_length=40)
    # As far as is known; the console says so again and again.
    listened_until = models.DateTimeField()
    preview = models.OneToOneField(
        Preview, null=True, on_delete=models.SET_NULL, related_name="at_port"
    )
    claimed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.number} for {self.preview or 'nobody'}"


class Host(models.Model):
    """What the engine's host is, as the worker last read it; pages show it without the engine."""

    name = models.CharField(primary_key=True, max_length=100)
    kernel_release = models.CharField(max_length=100, blank=True)
    boot_id = models.CharField(max_length=40, blank=True)
    memory_bytes = models.BigIntegerField(default=0)
    engine_version = models.CharField(max_length=40, blank=True)
    # Memory that programs could still get, and how full the engine's disk is; None: not known.
    memory_available_bytes = models.BigIntegerField(null=True)
    disk_used_percent = models.FloatField(null=True)
    seen_at = models.DateTimeField()
    # Last pair of CLOCK_BOOTTIME and wall clock (seconds), to notice a clock that was set.
    clock_boot = models.FloatField(null=True)
    clock_wall = models.FloatField(null=True)
    # Changes when the engine or its configuration does.
    engine_digest = models.CharField(max_length=64, blank=True)
    # What the latest examination found (`sandbox/examination.py`); empty before the first.
    examination = models.JSONField(default=dict)
    # The last sign of life of the examination that runs now.
    examining_since = models.DateTimeField(null=True)
    # Why Start is off, empty when it is on.
    problem = models.CharField(max_length=500, blank=True)
    hint = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return self.name
