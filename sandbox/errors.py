"""Two families of errors: what the learner or author did, and what is ours.

Both carry a code for programs, a message that says what was found and a hint that says
what to do next. The learner sees all three of a user error; of an engine error they see
the same short lines, while the log keeps the cause.
"""

from typing import Any


class SandboxError(Exception):
    """Base of both families; `status` is the HTTP status of the API's answer."""

    code = "error"
    message = "Something went wrong."
    hint = ""
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
        self.message = message or self.message
        self.hint = self.hint if hint is None else hint
        self.retry_after_seconds = retry_after_seconds or self.retry_after_seconds
        self.details = details
        super().__init__(self.message)


class SandboxUserError(SandboxError):
    """The caller can do something about it."""

    status = 409


class SandboxNotFound(SandboxUserError):
    code = "not_found"
    message = "There is no such sandbox of yours."
    hint = "Press Start to get one."
    status = 404


class MachineNotFound(SandboxUserError):
    code = "not_found"
    message = "This sandbox has no machine of that name."
    hint = "Use one of the names in the lesson's tabs."
    status = 404


class TerminalNotFound(SandboxUserError):
    code = "not_found"
    message = "This machine has no terminal of that name."
    hint = "It may have been closed. Open a new one."
    status = 404


class TerminalsFull(SandboxUserError):
    code = "terminals_full"
    message = "This machine has as many terminals as it may."
    hint = "Close one, then open another."


class MainStays(SandboxUserError):
    code = "main_stays"
    message = "The main terminal can't be closed."
    hint = "Type exit for a new shell in it, or press Reset for a fresh machine."


class SandboxLive(SandboxUserError):
    code = "sandbox_live"
    message = "Another lesson of yours still has machines."
    hint = "Stop them there, or go on there."


class SandboxNotReady(SandboxUserError):
    code = "sandbox_not_ready"
    message = "The machines are not ready."
    hint = "Wait for Ready, or press Start."


class RunLive(SandboxUserError):
    code = "run_live"
    message = "Something is being measured on these machines already."
    hint = "Wait until it is done, so that neither measures the other."


class RunImpossible(SandboxUserError):
    code = "run_impossible"
    message = "These machines can't do that."
    hint = "Start a lesson that has both a virtual machine and a Docker engine."


class NoExtensionsLeft(SandboxUserError):
    code = "no_extensions_left"
    message = "This sandbox can't be extended any further."
    hint = "Save what you need; Start again gives you fresh machines."


class TooManyStarts(SandboxUserError):
    code = "too_many"
    message = "Too many starts in a short time."
    hint = "Wait a minute, then press Start again."
    status = 429
    retry_after_seconds = 60


class OutOfCapacity(SandboxUserError):
    code = "out_of_capacity"
    message = "All machines are in use and the queue is full."
    hint = "Try again in a few minutes."
    status = 503
    retry_after_seconds = 120


class DiskUsedUp(SandboxUserError):
    code = "disk_used_up"
    message = "A machine took more disk than it may."
    hint = "Press Start again for fresh machines; `docker system prune` there frees space in time."


class BadRequest(SandboxUserError):
    code = "bad_request"
    message = "The request is not valid."
    status = 400


class SandboxEngineError(SandboxError):
    """Ours: the engine, an image, a machine that died."""

    status = 503


class EngineDown(SandboxEngineError):
    code = "no_engine"
    message = "The Docker engine does not answer."
    hint = "Text and quizzes work. Tell whoever runs this site; Start comes back by itself."


class KindOff(SandboxEngineError):
    code = "kind_off"
    message = "Machines of this kind are off on this site."
    hint = "Text and quizzes work. Whoever runs this site: manage.py sandboxreport says why."


class BrokerDown(SandboxEngineError):
    code = "no_broker"
    message = "The site can't reach its workers."
    hint = "Text and quizzes work. Try again in a moment, or tell whoever runs this site."


class ImageMissing(SandboxEngineError):
    code = "image_missing"
    message = "The image of this machine is not on the engine."
    hint = "Whoever runs this site can build it with ./start, which builds what is missing."


class MachineDied(SandboxEngineError):
    code = "machine_died"
    message = "A machine stopped while it was in use."
    hint = "Press Start again for fresh machines."


class MachineFailed(SandboxEngineError):
    code = "machine_failed"
    message = "A machine did not come up."
    hint = "Press Start again. If it happens twice, tell whoever runs this site."


class SetupFailed(SandboxEngineError):
    code = "setup_failed"
    message = "The lesson could not prepare a machine."
    hint = "Press Start again. If it happens twice, tell whoever wrote the lesson."
