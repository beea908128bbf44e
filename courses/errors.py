"""What can go wrong for a learner in a course, in the API's one shape."""

from sandbox.errors import SandboxUserError


class CourseNotFound(SandboxUserError):
    code = "not_found"
    message = "There is no such course."
    hint = "The start page lists the courses."
    status = 404


class LessonNotFound(SandboxUserError):
    code = "not_found"
    message = "This course has no such lesson."
    hint = "The course's page lists its lessons."
    status = 404


class TaskNotFound(SandboxUserError):
    code = "not_found"
    message = "This lesson has no such task."
    hint = "Reload the page; the lesson may have changed."
    status = 404


class QuestionNotFound(SandboxUserError):
    code = "not_found"
    message = "This lesson has no such question."
    hint = "Reload the page; the lesson may have changed."
    status = 404


class NoMachines(SandboxUserError):
    code = "no_machines"
    message = "This lesson has no machines to start."
    hint = "Read on; everything is in the text."


class KindNotRunnable(SandboxUserError):
    code = "kind_not_runnable"
    message = "This site can't run a machine that the lesson needs."
    hint = "The text, its questions and the other lessons work."


class NotAuthoring(SandboxUserError):
    code = "not_found"
    message = "This site serves no author."
    hint = "Run manage.py author with the course's folder."
    status = 404


class NoScript(SandboxUserError):
    code = "not_found"
    message = "The task has no such script."
    hint = "Write it beside task.md."
    status = 404


class ScriptNotDone(SandboxUserError):
    code = "script_not_done"
    message = "The script has not ended in time."
    hint = "A process that it leaves in the background must let go of the output."
    status = 503


class TryFirst(SandboxUserError):
    code = "try_first"
    message = "The solution opens after your first try."
    hint = "Do what you can, then press Check now."
    status = 403


class NotFinished(SandboxUserError):
    code = "not_finished"
    message = "A task of this course is still open."
    hint = "Pass all tasks; the course map shows which are left."


class NotAName(SandboxUserError):
    code = "invalid"
    message = "That can't stand on a certificate."
    hint = "Write a name of at most 80 characters."
    status = 422


class NotAnAnswer(SandboxUserError):
    code = "invalid"
    message = "That is not one of the answers."
    hint = "Choose from what is listed."
    status = 422


class NotAGuess(SandboxUserError):
    code = "invalid"
    message = "That can't be kept as a guess."
    hint = "Choose one of the choices, or write a number."
    status = 422
