"""Two families of errors: what the learner or author did, and what is ours.

Both carry a code for programs, a message that says what was found and a hint that says
what to do next. The learner sees all three of a user error; of an engine error they see
the same short lines, while the log keeps the cause.
"""

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _


def _translated(text: str) -> str:
    """An empty msgid is the catalogue's own head."""
    return gettext(text) if text else ""


class SandboxError(Exception):
    """Base of both families; `status` is the HTTP status of the API's answer."""

    code = "error"
    message = _("Something went wrong.")
    hint = _("Try again. If it happens twice, tell whoever runs this site.")
    status = 500
    retry_after_seconds: int | None = None

    def __init__(
        self,
        message: str | None = None,
        hint: str | None = None,
        *,
        retry_after_seconds: int | None = None,
        **details: Any,
    ) -> None:
        # In the language of the request, or as written where a worker raises it.
        self.message = _translated(message or self.message)
        self.hint = _translated(self.hint if hint is None else hint)
        self.retry_after_seconds = retry_after_seconds or self.retry_after_seconds
        self.details = details
        super().__init__(self.message)


class SandboxUserError(SandboxError):
    """The caller can do something about it."""

    status = 409


class SandboxNotFound(SandboxUserError):
    code = "not_found"
    message = _("There is no such sandbox of yours.")
    hint = _("Press Start to get one.")
    status = 404


class MachineNotFound(SandboxUserError):
    code = "not_found"
    message = _("This sandbox has no machine of that name.")
    hint = _("Use one of the names in the lesson's tabs.")
    status = 404


class TerminalNotFound(SandboxUserError):
    code = "not_found"
    message = _("This machine has no terminal of that name.")
    hint = _("It may have been closed. Open a new one.")
    status = 404


class TerminalsFull(SandboxUserError):
    code = "terminals_full"
    message = _("This machine has as many terminals as it may.")
    hint = _("Close one, then open another.")


class MainStays(SandboxUserError):
    code = "main_stays"
    message = _("The main terminal can't be closed.")
    hint = _("Type exit for a new shell in it, or press Reset for a fresh machine.")


class SandboxLive(SandboxUserError):
    code = "sandbox_live"
    message = _("Another lesson of yours still has machines.")
    hint = _("Stop them there, or go on there.")


class SandboxNotReady(SandboxUserError):
    code = "sandbox_not_ready"
    message = _("The machines are not ready.")
    hint = _("Wait for Ready, or press Start.")


class RunLive(SandboxUserError):
    code = "run_live"
    message = _("Something is being measured on these machines already.")
    hint = _("Wait until it is done, so that neither measures the other.")


class RunImpossible(SandboxUserError):
    code = "run_impossible"
    message = _("These machines can't do that.")
    hint = _("Start a lesson that has both a virtual machine and a Docker engine.")


class NoExtensionsLeft(SandboxUserError):
    code = "no_extensions_left"
    message = _("This sandbox can't be extended any further.")
    hint = _("Save what you need; Start again gives you fresh machines.")


class TooManyStarts(SandboxUserError):
    code = "too_many"
    message = _("Too many starts in a short time.")
    hint = _("Wait a minute, then press Start again.")
    status = 429
    retry_after_seconds = 60


class OutOfCapacity(SandboxUserError):
    code = "out_of_capacity"
    message = _("All machines are in use and the queue is full.")
    hint = _("Try again in a few minutes.")
    status = 503
    retry_after_seconds = 120


class DiskUsedUp(SandboxUserError):
    code = "disk_used_up"
    message = _("A machine took more disk than it may.")
    hint = _(
        "Press Start again for fresh machines; `docker system prune` there frees space in time."
    )


class BadRequest(SandboxUserError):
    code = "bad_request"
    message = _("The request is not valid.")
    hint = _("See /api/docs for what is expected.")
    status = 400


class SandboxEngineError(SandboxError):
    """Ours: the engine, an image, a machine that died."""

    status = 503


class EngineDown(SandboxEngineError):
    code = "no_engine"
    message = _("The Docker engine does not answer.")
    hint = _("Text and quizzes work. Tell whoever runs this site; Start comes back by itself.")


class DiskFull(SandboxEngineError):
    code = "disk_full"
    message = _("The disk of the machines' host is full.")
    hint = _("Whoever runs this site must make room; Start then comes back by itself.")
    retry_after_seconds = 60


class KindOff(SandboxEngineError):
    code = "kind_off"
    message = _("Machines of this kind are off on this site.")
    hint = _("Text and quizzes work. Whoever runs this site: manage.py sandboxreport says why.")


class BrokerDown(SandboxEngineError):
    code = "no_broker"
    message = _("The site can't reach its workers.")
    hint = _("Text and quizzes work. Try again in a moment, or tell whoever runs this site.")


class ImageMissing(SandboxEngineError):
    code = "image_missing"
    message = _("The image of this machine is not on the engine.")
    hint = _("Whoever runs this site can build it with ./start, which builds what is missing.")


class MachineDied(SandboxEngineError):
    code = "machine_died"
    message = _("A machine stopped while it was in use.")
    hint = _("Press Start again for fresh machines.")


class MachineFailed(SandboxEngineError):
    code = "machine_failed"
    message = _("A machine did not come up.")
    hint = _("Press Start again. If it happens twice, tell whoever runs this site.")


class SetupFailed(SandboxEngineError):
    code = "setup_failed"
    message = _("The lesson could not prepare a machine.")
    hint = _("Press Start again. If it happens twice, tell whoever wrote the lesson.")
