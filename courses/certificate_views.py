"""The pages of certificates: getting one, and the public one that proves it."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from courses import catalogue, certificates
from courses.content import Course
from courses.errors import CourseNotFound, NotAName, NotFinished
from courses.progress import passed_tasks, task_rows


@require_http_methods(["GET", "HEAD", "POST"])
def own_certificate(request: HttpRequest, course: str) -> HttpResponse:
    """The learner's certificate of a course: what is left to do, the form, or the link to it."""
    try:
        found = catalogue.get_course(course)
    except CourseNotFound as error:
        raise Http404(error.message) from None
    problem = ""
    if request.method == "POST" and request.user.is_authenticated:
        if "withdraw" in request.POST:
            certificates.withdraw(request.user, found.slug)
            return redirect("own-certificate", found.slug)
        try:
            row = certificates.issue(request.user, found, request.POST.get("name", ""))
            return redirect("certificate", row.code)
        except (NotFinished, NotAName) as error:
            problem = f"{error.message} {error.hint}"
    status = 422 if problem else 200
    return render(
        request, "courses/own_certificate.html", _state(request, found, problem), status=status
    )


@require_safe
def certificate(request: HttpRequest, code: str) -> HttpResponse:
    """The public page: whoever has the address sees what was passed, and when."""
    row = certificates.find(code)
    context = {"certificate": row, "code": code, "address": request.build_absolute_uri()}
    status = 200 if row else 404
    answer = render(request, "courses/certificate.html", context, status=status)
    # A name stands on it: for those who were given the address, not for search engines.
    answer["X-Robots-Tag"] = "noindex"
    answer["Cache-Control"] = "no-store"
    return answer


def _state(request: HttpRequest, course: Course, problem: str) -> dict[str, object]:
    rows = task_rows(request.user, course.slug)
    passed, total = certificates.tasks_of(course, rows)
    left = [
        (lesson, open_count)
        for lesson in course.lessons
        if (open_count := len(lesson.tasks) - len(passed_tasks(rows, lesson)))
    ]
    user = request.user
    return {
        "course": course,
        "certificate": certificates.of(user, course.slug),
        "finished": certificates.is_finished(course, rows),
        "passed": passed,
        "total": total,
        "left": left,
        "problem": problem,
        "name": "" if not user.is_authenticated or user.is_guest else user.display_name,
    }
