"""What can go wrong for a learner in a course, in the API's one shape."""

from django.utils.translation import gettext_noop as _

from sandbox.errors import SandboxUserError


class CourseNotFound(SandboxUserError):
    code = "not_found"
    message = _("There is no such course.")
    hint = _("The start page lists the courses.")
    status = 404


class LessonNotFound(SandboxUserError):
    code = "not_found"
    message = _("This course has no such lesson.")
    hint = _("The course's page lists its lessons.")
    status = 404


class TaskNotFound(SandboxUserError):
    code = "not_found"
    message = _("This lesson has no such task.")
    hint = _("Reload the page; the lesson may have changed.")
    status = 404


class QuestionNotFound(SandboxUserError):
    code = "not_found"
    message = _("This lesson has no such question.")
    hint = _("Reload the page; the lesson may have changed.")
    status = 404


class NoMachines(SandboxUserError):
    code = "no_machines"
    message = _("This lesson has no machines to start.")
    hint = _("Read on; everything is in the text.")


class KindNotRunnable(SandboxUserError):
    code = "kind_not_runnable"
    message = _("This site can't run a machine that the lesson needs.")
    hint = _("The text, its questions and the other lessons work.")


class NotAuthoring(SandboxUserError):
    code = "not_found"
    message = _("This site serves no author.")
    hint = _("Run manage.py author with the course's folder.")
    status = 404


class NoScript(SandboxUserError):
    code = "not_found"
    message = _("The task has no such script.")
    hint = _("Write it beside task.md.")
    status = 404


class ScriptNotDone(SandboxUserError):
    code = "script_not_done"
    message = _("The script has not ended in time.")
    hint = _("A process that it leaves in the background must let go of the output.")
    status = 503


class TryFirst(SandboxUserError):
    code = "try_first"
    message = _("The solution opens after your first try.")
    hint = _("Do what you can, then press Check now.")
    status = 403


class NotFinished(SandboxUserError):
    code = "not_finished"
    message = _("A task of this course is still open.")
    hint = _("Pass all tasks; the course map shows which are left.")


class NotAName(SandboxUserError):
    code = "invalid"
    message = _("That can't stand on a certificate.")
    hint = _("Write a name of at most 80 characters.")
    status = 422


class NotAnAnswer(SandboxUserError):
    code = "invalid"
    message = _("That is not one of the answers.")
    hint = _("Choose from what is listed.")
    status = 422


class NotAGuess(SandboxUserError):
    code = "invalid"
    message = _("That can't be kept as a guess.")
    hint = _("Choose one of the choices, or write a number.")
    status = 422
