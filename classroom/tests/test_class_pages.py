"""The pages of those who teach: who sees them, what they show, what they order."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from classroom import class_page, classes
from classroom.models import Class, User
from sandbox.models import PoolOrder, PoolShape, Sandbox, State, WarmMachine, WarmState

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
    order = PoolOrder.objects.create(
        kind="docker", name="laptop", count=1,
        begins_at=timezone.now(), ends_at=timezone.now() + timedelta(hours=1),
    )  # fmt: skip
    page = f"/classes/{found.code}/"
    form = {"shape": "docker laptop", "count": "9", "minutes": "30", "order": order.pk}
    assert client.get(page).status_code == 404
    assert client.post(f"{page}warm", form).status_code == 404
    assert client.post(f"{page}forget", form).status_code == 404
    assert list(PoolOrder.objects.all()) == [order]
    assert client.get("/classes/").status_code == (404 if role == "learner" else 200)


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
    seated(found, "ada", State.READY, expires_at=timezone.now() + timedelta(minutes=30))
    seated(found, "bob", State.QUEUED)
    seated(found, "cat", State.STARTING)
    seated(found, "dan", State.GONE)
    seated(found, "eve")
    seated(classes.open_class("another"), "far", State.READY)
    states = class_page.seats(found)
    assert [(s.name, s.sandbox.state if s.sandbox else None) for s in states] == [
        ("ada", "ready"), ("bob", "queued"), ("cat", "starting"), ("dan", None), ("eve", None),
    ]  # fmt: skip
    assert class_page.summary(states) == [("ready", 1), ("coming", 1), ("waiting", 1), ("none", 2)]
    text = own.get(f"/classes/{found.code}/").content.decode()
    assert "Tuesday &lt;morning&gt;" in text
    for words in ("Ready", "Waits for room", "Coming up", "ada", "eve"):
        assert words in text
    assert "far" not in text


def test_a_large_class_costs_as_many_questions_as_a_small_one(
    own: Client, found: Class, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        seated(found, f"learner-{number}", State.READY)
    with django_assert_max_num_queries(13):
        own.get(f"/classes/{found.code}/")


def test_guests_are_told_apart(found: Class) -> None:
    for name in ("guest-aaaa1111", "guest-bbbb2222"):
        classes.seat(found, User.objects.create(username=name, is_guest=True))
    assert [each.name for each in class_page.seats(found)] == ["Guest 1111", "Guest 2222"]


def test_warm_machines_are_ordered_as_the_command_does(
    own: Client, found: Class, shape: PoolShape
) -> None:
    page = f"/classes/{found.code}/"
    form = {"shape": "docker laptop", "count": "24", "minutes": "45", "later": "10"}
    assert own.post(f"{page}warm", form).status_code == 302
    order = PoolOrder.objects.get()
    assert (order.kind, order.name, order.count) == ("docker", "laptop", 24)
    assert order.ends_at - order.begins_at == timedelta(minutes=45)
    now = timezone.now()
    assert timedelta(minutes=9) < order.begins_at - now <= timedelta(minutes=10)
    PoolOrder.objects.update(begins_at=now)
    WarmMachine.objects.create(
        kind="docker", name="laptop", state=WarmState.READY, memory_bytes=1,
        ready_at=now, expires_at=now + timedelta(hours=1),
    )  # fmt: skip
    text = own.get(page).content.decode()
    assert "1 ready of 24" in text
    own.post(f"{page}forget", {"order": str(order.pk)})
    own.post(f"{page}forget", {"order": "nonsense"})
    assert not PoolOrder.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"count": "0"}, "The order is out of range."),
        ({"count": "9999"}, "The order is out of range."),
        ({"count": "many"}, "The count and the minutes are numbers."),
        ({"minutes": ""}, "The count and the minutes are numbers."),
        ({"minutes": "9" * 12}, "The order is out of range."),
        ({"later": "-1"}, "That is too far ahead."),
        ({"later": "9" * 12}, "That is too far ahead."),
        ({"shape": "hypervisor x"}, "There is no kind hypervisor here."),
    ],
)
def test_an_order_that_can_not_be_is_told_and_nothing_is_kept(
    own: Client, found: Class, shape: PoolShape, wrong: dict[str, str], said: str
) -> None:
    form = {"shape": "docker laptop", "count": "2", "minutes": "30", "later": ""} | wrong
    answer = own.post(f"/classes/{found.code}/warm", form)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not PoolOrder.objects.exists()


def test_a_learner_takes_a_seat_by_the_code_and_needs_no_account(
    client: Client, found: Class
) -> None:
    assert client.get("/join/").status_code == 200
    assert not User.objects.filter(is_guest=True).exists(), "looking makes nobody"
    said = client.post("/join/", {"code": found.code.lower()})
    assert said.status_code == 200
    assert "Tuesday &lt;morning&gt;" in said.content.decode()
    (seat,) = found.seats.all()
    assert seat.learner.is_guest


def test_a_wrong_code_is_told_and_gives_no_seat(client: Client, found: Class) -> None:
    said = client.post("/join/", {"code": "<none>"})
    assert said.status_code == 404
    text = said.content.decode()
    assert "There is no open class with this code." in text
    assert "&lt;none&gt;" in text
    assert not found.seats.exists()
