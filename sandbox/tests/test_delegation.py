"""Handing a `docker` machine its control group: what is asked of the engine, and failing."""

from unittest.mock import patch

from sandbox import delegation
from sandbox.errors import EngineDown
from sandbox.sentences import NOT_DELEGATED


def test_a_machine_that_is_gone_gets_a_notice() -> None:
    with patch("sandbox.engine.inspect_container", return_value=None):
        assert delegation.delegate_cgroup("x" * 64) == NOT_DELEGATED


def test_a_failing_helper_gives_a_notice_and_no_error() -> None:
    found = {"State": {"Pid": 99}}
    with (
        patch("sandbox.engine.inspect_container", return_value=found),
        patch("sandbox.delegation.is_here", return_value=False),
        patch("sandbox.engine.run_helper", side_effect=EngineDown),
    ):
        assert delegation.delegate_cgroup("x" * 64) == NOT_DELEGATED


def test_the_helper_may_change_owners_and_nothing_else() -> None:
    with patch("sandbox.engine.run_helper", return_value=(0, "")) as run:
        delegation._delegate_by_helper(99)
    host = run.call_args[0][0]["HostConfig"]
    assert (host["CapDrop"], host["CapAdd"]) == (["ALL"], ["CHOWN"])
    assert host["Binds"] == ["/sys/fs/cgroup:/sys/fs/cgroup:rw"]
    assert host["NetworkMode"] == "none"
    assert not host.get("Privileged")
