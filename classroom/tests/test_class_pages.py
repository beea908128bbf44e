"""The pages of those who teach: who sees them, what they show, what they order."""

from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from classroom import board, class_page, classes, warming
from classroom.models import Class, User
from courses.models import LessonVisit, TaskProgress
from sandbox.models import Host, PoolOrder, PoolShape, Sandbox, State, WarmMachine, WarmState

pytestmark = pytest.mark.django_db


@pytest.fixture
def teacher() -> User:
    return User.objects.create_user("grace", role="instructor")


@pytest.fixture
def own(client: Client, teacher: User) -> Client:
    client.force_login(teacher)
    return client


@pytest.fixture
def found(teacher: User) -> Class:
    return classes.open_class("Tuesday <morning>", teacher)


@pytest.fixture
def shape() -> PoolShape:
    return PoolShape.objects.create(kind="docker", name="laptop", lessons=3)


def ordered(found: Class) -> PoolOrder:
    now = timezone.now()
    order = PoolOrder.objects.create(
        kind="docker", name="laptop", count=1, begins_at=now, ends_at=now + timedelta(hours=1)
    )
    found.orders.add(order)
    return order


def seated(found: Class, name: str, state: str = "", **fields: Any) -> User:
    learner = User.objects.create_user(name)
    classes.seat(found, learner)
    if state:
        Sandbox.objects.create(
            learner=learner, course="c", lesson="l", state=state, spec={}, memory_bytes=1, **fields
        )
    return learner


def test_an_instructor_sees_their_own_classes_and_an_operator_all(
    own: Client, found: Class
) -> None:
    classes.open_class("Somebody else's")
    said = own.get("/classes/").content.decode()
    assert "Tuesday &lt;morning&gt;" in said
    assert found.code in said
    assert "Somebody else" not in said
    own.force_login(User.objects.create_user("op", role="operator"))
    assert "Somebody else" in own.get("/classes/").content.decode()


@pytest.mark.parametrize("path", ["/classes/", "/classes/{}/"])
def test_who_is_not_signed_in_is_sent_to_sign_in(client: Client, found: Class, path: str) -> None:
    address = path.format(found.code)
    said = client.get(address)
    assert said.status_code == 302
    assert said["Location"].endswith(f"?next={address}")


@pytest.mark.parametrize("role", ["learner", "instructor"])
def test_a_class_is_nobody_elses(client: Client, found: Class, shape: PoolShape, role: str) -> None:
    client.force_login(User.objects.create_user("eve", role=role))
    order = ordered(found)
    page = f"/classes/{found.code}/"
    form = {"shape": "docker laptop", "count": "9", "minutes": "30", "order": order.pk}
    for part in ("", "board"):
        assert client.get(page + part).status_code == 404
    for part in ("warm", "forget", "close"):
        assert client.post(page + part, form).status_code == 404
    assert list(PoolOrder.objects.all()) == [order]
    found.refresh_from_db()
    assert found.closed_at is None
    assert client.get("/classes/").status_code == (404 if role == "learner" else 200)


def test_nobody_sees_a_board_without_signing_in(client: Client, found: Class) -> None:
    seated(found, "ada")
    said = client.get(f"/classes/{found.code}/board")
    assert said.status_code == 404
    assert "ada" not in said.content.decode()


def test_a_learner_can_make_no_class(client: Client) -> None:
    client.force_login(User.objects.create_user("eve"))
    assert client.post("/classes/open", {"name": "mine"}).status_code == 404
    assert client.get("/classes/open").status_code == 405
    assert not Class.objects.exists()


def test_a_class_is_made_with_its_code(own: Client, teacher: User) -> None:
    said = own.post("/classes/open", {"name": "  Wednesday   evening "}, follow=True)
    made = Class.objects.get()
    assert (made.name, made.instructor) == ("Wednesday evening", teacher)
    assert made.code in said.content.decode()
    own.post("/classes/open", {"name": " "})
    assert Class.objects.count() == 1, "a class without a name is none"


def test_everybody_is_shown_with_their_machines_of_this_moment(own: Client, found: Class) -> None:
    now = timezone.now()
    seated(found, "ada", State.READY, expires_at=now + timedelta(minutes=30), last_seen_at=now)
    seated(found, "bob", State.QUEUED)
    seated(found, "cat", State.STARTING)
    seated(found, "dan", State.GONE)
    seated(found, "eve")
    seated(found, "fay", State.FAILED, error_message="A machine did not come up.")
    seated(classes.open_class("another"), "far", State.READY)
    rows = board.rows(found)
    assert [(row.name, row.state, row.place, row.here) for row in rows] == [
        ("ada", "ready", None, True),
        ("bob", "waiting", 1, False),
        ("cat", "coming", None, False),
        ("dan", "none", None, False),
        ("eve", "none", None, False),
        ("fay", "failed", None, False),
    ]
    assert dict(board.summary(rows)) == {
        "ready": 1, "coming": 1, "waiting": 1, "failed": 1, "none": 2,
    }  # fmt: skip
    text = own.get(f"/classes/{found.code}/").content.decode()
    assert "Tuesday &lt;morning&gt;" in text
    for words in ("Ready", "Here now", "place 1", "Coming up", "Failed", "ada", "eve"):
        assert words in text
    assert "A machine did not come up." in text
    assert "far" not in text


def test_a_failure_that_was_followed_by_a_start_is_no_news(found: Class) -> None:
    ada = seated(found, "ada", State.FAILED)
    Sandbox.objects.create(
        learner=ada, course="c", lesson="l", state=State.GONE, spec={}, memory_bytes=1
    )
    assert [row.state for row in board.rows(found)] == ["none"]


def test_a_row_says_the_lesson_and_how_far_its_learner_is(own: Client, found: Class) -> None:
    course, lesson = "containers-vs-vms", "a-dockerfile-line-by-line"
    ada, bob = seated(found, "ada"), seated(found, "bob")
    old = timezone.now() - timedelta(days=1)
    LessonVisit.objects.create(learner=ada, course="playground", lesson="shell", last_at=old)
    for person in (ada, bob):
        LessonVisit.objects.create(
            learner=person, course=course, lesson=lesson, last_at=timezone.now()
        )
    tasks = [task.name for task in board.lesson_states.get_lesson(course, lesson)[1].tasks]
    for task, (state, tries) in zip(tasks, [("passed", 30), ("failing", 12)], strict=False):
        TaskProgress.objects.create(
            learner=ada, course=course, lesson=lesson, task=task, state=state, tries=tries
        )
    first, second = board.rows(found)
    assert first.lesson
    assert (first.lesson.passed, first.lesson.total) == (1, len(tasks))
    assert first.lesson.stuck
    assert (first.lesson.stuck.number, first.lesson.stuck.tries) == (2, 12)
    assert first.needs_help
    assert not second.needs_help, "what ada tried is not bob's"
    text = own.get(f"/classes/{found.code}/board").content.decode()
    assert "A Dockerfile, line by line" in text
    assert f"1 of {len(tasks)}" in text
    assert "12 tries" in text


def test_a_lesson_that_is_gone_is_shown_by_its_name(found: Class) -> None:
    seated(found, "ada", State.READY)
    (row,) = board.rows(found)
    assert row.lesson
    assert (row.lesson.title, row.lesson.number) == ("l", None)


def test_a_large_class_costs_as_many_questions_as_a_small_one(
    own: Client, found: Class, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        learner = seated(found, f"learner-{number}", State.QUEUED)
        LessonVisit.objects.create(
            learner=learner, course="playground", lesson="shell", last_at=timezone.now()
        )
    with django_assert_max_num_queries(15):
        own.get(f"/classes/{found.code}/board")


@pytest.fixture
def this_minute(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A clock for entity tags that the test sets, in seconds."""
    clock = {"at": 1_000_000.0}
    monkeypatch.setattr(class_page.time, "time", lambda: clock["at"])
    return clock


@pytest.mark.parametrize("part", ["board?zone=Europe/Berlin", "seats/{seat}/live"])
def test_what_has_not_changed_is_not_sent_again(
    own: Client, found: Class, this_minute: dict[str, float], part: str
) -> None:
    learner = seated(found, "ada")
    address = f"/classes/{found.code}/" + part.format(seat=found.seats.get().pk)
    first = own.get(address)
    assert "csrf" not in first.content.decode(), "each one would be another"

    def ask(language: str = "en") -> Any:
        headers = {"if-none-match": first["ETag"], "accept-language": language}
        return own.get(address, headers=headers)

    again = ask()
    assert (again.status_code, again.content) == (304, b"")
    assert ask("de").status_code == 200, "in German it is another one"
    this_minute["at"] += 60
    assert ask().status_code == 200, "a minute has passed, and pages say how long ago"
    this_minute["at"] -= 60
    Sandbox.objects.create(
        learner=learner, course="c", lesson="l", state=State.STARTING, spec={}, memory_bytes=1
    )
    changed = ask()
    assert changed.status_code == 200
    assert "Coming up" in changed.content.decode()
    assert "no-store" not in changed["Cache-Control"]
    assert "private" in changed["Cache-Control"]


def test_everything_a_board_shows_is_in_its_entity_tag(
    own: Client, found: Class, this_minute: dict[str, float]
) -> None:
    now = timezone.now()
    ada = seated(found, "ada", State.READY, last_seen_at=now, expires_at=now)

    def tag() -> str:
        return str(own.get(f"/classes/{found.code}/board")["ETag"])

    def extended() -> None:
        Sandbox.objects.update(expires_at=now + timedelta(minutes=9))

    def away() -> None:
        Sandbox.objects.update(last_seen_at=now - timedelta(hours=1))

    def failed() -> None:
        Sandbox.objects.update(state=State.FAILED, error_message="It is gone.")

    changes: list[Any] = [
        extended, away, failed,
        lambda: classes.seat(found, ada, "Ada"),
        lambda: seated(found, "bob"),
        lambda: ordered(found),
        lambda: ordered(classes.open_class("another")),
        lambda: classes.allow(found, looking=True, sharing=False),
        lambda: LessonVisit.objects.create(
            learner=User.objects.get(username="bob"), course="playground", lesson="shell",
            last_at=now,
        ),
    ]  # fmt: skip
    seen = [tag()]
    for change in changes:
        change()
        seen.append(tag())
    assert len(set(seen)) == len(seen), seen


def test_a_closed_class_has_no_board_and_no_orders(own: Client, found: Class) -> None:
    ordered(found)
    kept = PoolOrder.objects.create(
        kind="docker", name="laptop", count=1,
        begins_at=timezone.now(), ends_at=timezone.now() + timedelta(hours=1),
    )  # fmt: skip
    assert own.post(f"/classes/{found.code}/close").status_code == 302
    assert own.get(f"/classes/{found.code}/board").status_code == 404
    assert found.code not in own.get("/classes/").content.decode()
    assert list(PoolOrder.objects.all()) == [kept], "another's order is not its own"


def test_guests_are_told_apart_until_they_give_a_name(found: Class) -> None:
    people = [
        User.objects.create(username=f"guest-{end}", is_guest=True) for end in ("aa1111", "bb2222")
    ]
    for person in people:
        classes.seat(found, person)
    assert [row.name for row in board.rows(found)] == ["Guest 1111", "Guest 2222"]
    classes.seat(found, people[0], "  Zoë\n <b> " + "x" * 60)
    assert [row.name[:8] for row in board.rows(found)] == ["Guest 22", "Zoë <b> "]
    classes.seat(found, people[0])
    assert board.rows(found)[1].name.startswith("Zoë"), "joining again keeps the name"


def test_warm_machines_are_ordered_as_the_command_does(
    own: Client, found: Class, shape: PoolShape
) -> None:
    page = f"/classes/{found.code}/"
    form = {"shape": "docker laptop", "count": "24", "minutes": "45", "at": "", "zone": ""}
    assert own.post(f"{page}warm", form).status_code == 302
    (order,) = found.orders.all()
    assert (order.kind, order.name, order.count) == ("docker", "laptop", 24)
    assert order.ends_at - order.begins_at == timedelta(minutes=45)
    now = timezone.now()
    assert timedelta() <= now - order.begins_at < timedelta(minutes=1)
    WarmMachine.objects.create(
        kind="docker", name="laptop", state=WarmState.READY, memory_bytes=1,
        ready_at=now, expires_at=now + timedelta(hours=1),
    )  # fmt: skip
    text = own.get(page).content.decode()
    assert "1 ready of 24" in text
    assert "This host has room for 0 such machines at once." in text
    own.post(f"{page}forget", {"order": "nonsense"})
    own.post(f"{page}forget", {"order": "9" * 40})
    own.post(f"{page}forget", {"order": str(order.pk)})
    assert not PoolOrder.objects.exists()


def test_an_order_of_another_class_can_not_be_forgotten(
    own: Client, found: Class, shape: PoolShape
) -> None:
    others = ordered(classes.open_class("another"))
    text = own.get(f"/classes/{found.code}/").content.decode()
    assert "1 other order on this site." in text
    assert "Forget" not in text
    own.post(f"/classes/{found.code}/forget", {"order": str(others.pk)})
    assert PoolOrder.objects.filter(pk=others.pk).exists()


@pytest.mark.parametrize(
    ("at", "begins", "ends"),
    [
        # It is 8:40 in Berlin. 30 machines, two at once, 6 s each, and half as much again: 3 min.
        ("08:55", "08:52", "09:25"),
        ("08:41", "08:40", "09:11"),
        ("", "08:40", "09:10"),
        # Late, not tomorrow.
        ("08:15", "08:40", "09:10"),
        ("07:30", "07:27 tomorrow", "08:00 tomorrow"),
    ],
)
def test_machines_are_there_at_the_time_on_the_teachers_clock(
    found: Class, at: str, begins: str, ends: str
) -> None:
    zone = warming.zone_of("Europe/Berlin")
    now = datetime(2026, 3, 10, 8, 40, tzinfo=zone)
    with patch("django.utils.timezone.now", return_value=now):
        made = warming.order(found, "docker laptop", "30", "30", at, zone)
    made.refresh_from_db()

    def said(moment: datetime) -> str:
        local = moment.astimezone(zone)
        return f"{local:%H:%M}" + (" tomorrow" if local.date() > now.date() else "")

    assert (said(made.begins_at), said(made.ends_at)) == (begins, ends)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../../etc/passwd", "x" * 200, "UTC\0"])
def test_a_zone_that_is_none_is_the_sites_own(name: str) -> None:
    assert warming.zone_of(name) == timezone.get_default_timezone()
    assert warming.zone_of("Asia/Tokyo") == ZoneInfo("Asia/Tokyo")


def test_how_long_making_takes_is_measured(found: Class, settings: Any) -> None:
    settings.SANDBOX_POOL_IN_FLIGHT = 2
    now = timezone.now()
    made = WarmMachine.objects.create(
        kind="docker", name="laptop", state=WarmState.CLAIMED, memory_bytes=1, ready_at=now
    )
    WarmMachine.objects.filter(pk=made.pk).update(created_at=now - timedelta(seconds=20))
    Host.objects.create(name="local", memory_bytes=10 * 1024**3, seen_at=now)
    assert warming.pool.making_seconds("docker", 5) == 60
    assert warming.pool.most("docker") == 6, "80 % of the memory, of which a quarter is left"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"count": "0"}, "The order is out of range."),
        ({"count": "9999"}, "The order is out of range."),
        ({"count": "many"}, "The count and the minutes are numbers."),
        ({"minutes": ""}, "The count and the minutes are numbers."),
        ({"minutes": "9" * 12}, "The order is out of range."),
        ({"at": "25:00"}, "This is no time of day."),
        ({"at": "soon"}, "This is no time of day."),
        ({"zone": "Mars/Olympus", "count": "-3"}, "The order is out of range."),
        ({"shape": "hypervisor x"}, "There is no kind hypervisor here."),
    ],
)
def test_an_order_that_can_not_be_is_told_and_nothing_is_kept(
    own: Client, found: Class, shape: PoolShape, wrong: dict[str, str], said: str
) -> None:
    form = {"shape": "docker laptop", "count": "2", "minutes": "30", "at": ""} | wrong
    answer = own.post(f"/classes/{found.code}/warm", form)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not PoolOrder.objects.exists()


def test_a_learner_takes_a_seat_by_the_code_and_needs_no_account(
    client: Client, found: Class
) -> None:
    assert f'value="{found.code}"' in client.get(f"/join/?code={found.code}").content.decode()
    assert not User.objects.filter(is_guest=True).exists(), "looking makes nobody"
    form = {"code": found.code.lower(), "name": "Ada <3"}
    said = client.post("/join/", form, follow=True)
    assert said.redirect_chain, "loading again joins nothing again"
    text = said.content.decode()
    assert "You have a seat in Tuesday &lt;morning&gt;." in text
    (seat,) = found.seats.all()
    assert (seat.learner.is_guest, seat.name) == (True, "Ada <3")
    assert "Ada &lt;3" in text
    client.post("/join/leave", {"code": found.code})
    assert not found.seats.exists()
    assert "You have a seat" not in client.get(f"/join/?joined={found.code}").content.decode()


def test_leaving_gives_up_ones_own_seat_only(client: Client, found: Class) -> None:
    seated(found, "ada")
    assert client.post("/join/leave", {"code": found.code}).status_code == 302
    client.force_login(User.objects.create_user("bob"))
    client.post("/join/leave", {"code": found.code})
    assert [seat.learner.username for seat in found.seats.all()] == ["ada"]


def test_a_wrong_code_is_told_and_gives_no_seat(client: Client, found: Class) -> None:
    said = client.post("/join/", {"code": "<none>", "name": "Ada"})
    assert said.status_code == 404
    text = said.content.decode()
    assert "There is no open class with this code." in text
    assert "&lt;none&gt;" in text
    assert 'value="Ada"' in text, "nothing has to be typed twice"
    assert not found.seats.exists()


def test_a_closed_class_says_that_it_is_closed(client: Client, found: Class) -> None:
    classes.close(found)
    said = client.post("/join/", {"code": found.code, "name": "Ada"})
    assert said.status_code == 410
    assert "This class is closed." in said.content.decode()
    assert not found.seats.exists()


@pytest.mark.parametrize("path", ["/", "/courses/containers-vs-vms/", "/search/"])
def test_learners_find_where_to_join_and_teachers_their_classes(client: Client, path: str) -> None:
    assert 'href="/join/"' in client.get(path).content.decode()
    client.force_login(User.objects.create_user("grace", role="instructor"))
    assert 'href="/classes/"' in client.get(path).content.decode()


def looked_at(found: Class, learner: User) -> str:
    return f"/classes/{found.code}/seats/{found.seats.get(learner=learner).pk}/"


def test_the_page_of_a_seat_shows_a_terminal_only_where_the_class_allows_it(
    own: Client, found: Class
) -> None:
    ada = seated(found, "ada", State.READY, ready_at=timezone.now())
    Sandbox.objects.get().machines.create(position=0, name="box", kind="shell", ready=True)
    page = looked_at(found, ada)
    text = own.get(page).content.decode()
    assert "This class does not allow looking at terminals." in text
    assert "data-look" not in text
    own.post(f"/classes/{found.code}/allow", {"looking": "on"})
    text = own.get(page).content.decode()
    assert 'data-machine="box"' in text
    assert 'data-terminal="main"' in text
    assert "look-" in own.get(f"/classes/{found.code}/board").content.decode()
    gone = own.get(f"{page}?terminal=box/7").content.decode()
    assert "The terminal of this address is not there any more." in gone


def test_only_the_instructor_of_a_class_lets_anybody_look(own: Client, found: Class) -> None:
    ada = seated(found, "ada", State.READY)
    own.force_login(User.objects.create_user("op", role="operator"))
    own.post(f"/classes/{found.code}/allow", {"looking": "on", "sharing": "on"})
    found.refresh_from_db()
    assert (found.may_look, found.shares_previews) == (False, True)
    classes.allow(found, looking=True, sharing=False)
    own.post(f"/classes/{found.code}/allow", {})
    found.refresh_from_db()
    assert found.may_look, "an operator does not take it away by accident either"
    assert "data-look" not in own.get(looked_at(found, ada)).content.decode()


@pytest.mark.parametrize("role", ["learner", "instructor"])
def test_a_seat_is_nobody_elses(client: Client, found: Class, role: str) -> None:
    ada = seated(found, "ada", State.READY)
    page = looked_at(found, ada)
    client.force_login(User.objects.create_user("eve", role=role))
    for part in ("", "live"):
        assert client.get(page + part).status_code == 404
    assert client.post(f"{page}remove").status_code == 404
    assert client.post(f"/classes/{found.code}/allow", {"looking": "on"}).status_code == 404
    found.refresh_from_db()
    assert not found.may_look
    assert found.seats.count() == 1


def test_a_seat_of_another_class_is_not_shown_in_this_one(own: Client, found: Class) -> None:
    other = classes.open_class("another")
    seat = looked_at(other, seated(other, "far")).rsplit("/seats/")[1]
    assert own.get(f"/classes/{found.code}/seats/{seat}").status_code == 404
    own.post(f"/classes/{found.code}/seats/{seat}remove")
    assert other.seats.count() == 1


def test_a_seat_is_taken_away(own: Client, found: Class) -> None:
    page = looked_at(found, seated(found, "ada"))
    assert own.post(f"{page}remove").status_code == 302
    assert not found.seats.exists()
    assert own.get(page).status_code == 404


def test_learners_are_told_where_they_can_be_looked_at(client: Client, found: Class) -> None:
    client.post("/join/", {"code": found.code, "name": "Ada"})
    told = "Whoever teaches it can look at your terminals"
    assert told not in client.get("/join/").content.decode()
    classes.allow(found, looking=True, sharing=False)
    assert told in client.get("/join/").content.decode()
