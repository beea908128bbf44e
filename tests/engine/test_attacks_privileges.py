"""What the learner of each kind is: capabilities, setuid programs, and whose secrets they see."""

import json
import re
from collections.abc import Iterator

import docker
import pytest
from django.conf import settings

from sandbox import assembly, engine
from sandbox.images import image_ref, seed_volume
from sandbox.models import Machine
from tests.engine.probes import (
    Outcome,
    as_learner,
    as_root,
    serving,
    unprotected,
    unprotected_once,
)
from tests.engine.screen import typed

pytestmark = pytest.mark.engine
BOTH = pytest.mark.parametrize("machine", ["shared_shell", "shared_docker"], indirect=True)
ALL = pytest.mark.parametrize(
    "machine", ["shared_shell", "shared_docker", "shared_vm"], indirect=True
)
SETGID_AND_SETUID = 1 << 6 | 1 << 7


@pytest.fixture
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    return request.getfixturevalue(request.param)


def status(outcome: Outcome) -> dict[str, str]:
    return dict(line.split(":\t", 1) for line in outcome.text.splitlines() if ":\t" in line)


SELF = "cat /proc/self/status"


def assert_open(image: str) -> None:
    """Where nothing is protected the kernel says so in the same fields."""
    found = status(unprotected_once(SELF, image))
    for field in ("CapPrm", "CapEff", "CapBnd"):
        assert int(found[field], 16) > SETGID_AND_SETUID, field
    assert (found["NoNewPrivs"], found["Seccomp"]) == ("0", "0")


def test_a_shell_has_no_capability_and_can_get_none(shared_shell: Machine) -> None:
    assert_open("shell")
    for run in (typed, as_learner, as_root):
        found = status(run(shared_shell, SELF))
        for field in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(found[field], 16) == 0, (run, field)
        assert found["NoNewPrivs"] == "1"
        assert found["Seccomp"] == "2"


def test_a_docker_machine_is_bounded_by_the_two_of_newuidmap(shared_docker: Machine) -> None:
    assert_open("docker")
    found = status(as_root(shared_docker, SELF))
    assert int(found["CapEff"], 16) == 0
    assert int(found["CapBnd"], 16) == SETGID_AND_SETUID
    assert found["Seccomp"] == "2"


def test_the_root_of_a_docker_machine_is_one_of_its_user_namespace_only(
    shared_docker: Machine,
) -> None:
    assert "0          0 4294967295" in unprotected("cat /proc/self/uid_map").text
    said = typed(shared_docker, "id -u; cat /proc/self/uid_map; cat /proc/1/status").text
    assert said.startswith("0\n")
    assert re.findall(r"^ +0 +(\d+) +(\d+)$", said, re.M) == [("1000", "1")]
    found = status(Outcome(0, said))
    assert int(found["CapBnd"], 16) == SETGID_AND_SETUID, "PID 1, outside that namespace"
    assert found["Uid"].split() == ["0"] * 4, "the learner's own user, as it is seen inside"


SETUID_COPY = "cp /usr/bin/python3 {0}/p && chmod 4755 {0}/p"
WHO = "{0}/p -c 'import os; print(os.geteuid())'"


def test_a_setuid_program_gains_nothing_in_a_shell(shared_shell: Machine) -> None:
    drop = f"setpriv --reuid 1000 --clear-groups {WHO.format('/tmp')}"
    assert unprotected(f"{SETUID_COPY.format('/tmp')} && {drop}").text == "0\n"
    assert as_root(shared_shell, SETUID_COPY.format("/opt")).code == 0
    try:
        assert typed(shared_shell, f"ls -ln /opt/p | cut -c1-4; {WHO.format('/opt')}").text == (
            "-rws\n1000\n"
        )
    finally:
        as_root(shared_shell, "rm /opt/p")


def test_a_setuid_program_of_a_docker_machine_gives_no_uid_of_the_host(
    shared_docker: Machine,
) -> None:
    """It gives the owner's uid in the learner's namespace: uid 0 there is 1000 outside."""
    assert typed(shared_docker, SETUID_COPY.format("/home/learner")).code == 0
    outside = f"stat -c %u:%a /home/learner/p; {WHO.format('/home/learner')}"
    assert as_root(shared_docker, outside).text == "1000:4755\n1000\n"
    refused = typed(shared_docker, "chown 70000:70000 ~/p; rm -f ~/p")
    assert "Invalid argument" in refused.text, "a uid that is not the machine's can't be given"


@BOTH
def test_no_program_changes_who_one_is(machine: Machine) -> None:
    find = "find / -xdev -perm /6000 -type f 2>/dev/null | head"
    planted = f"{SETUID_COPY.format('/usr/local/bin')}; {find}"
    assert unprotected(planted).text == "/usr/local/bin/p\n"
    assert as_root(machine, find).text == ""


CONNECT = """python3 - <<'PY'
import socket, sys
def answers(port):
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex(("127.0.0.1", port)) == 0
sys.exit(not any(map(answers, (2375, 2376))))
PY"""


@BOTH
def test_the_engines_socket_and_ports_are_not_there(machine: Machine) -> None:
    script = "test -S /var/run/docker.sock -o -S /run/docker.sock"
    bound = ["/var/run/docker.sock:/var/run/docker.sock"]
    assert unprotected(script, Binds=bound).code == 0
    assert unprotected(serving(2375) + CONNECT).code == 0
    for run in (typed, as_root):
        assert run(machine, script).code == 1
        assert run(machine, CONNECT).code == 1


def test_the_engine_of_a_docker_machine_is_not_the_hosts(shared_docker: Machine) -> None:
    own = engine.info()
    said = typed(shared_docker, "docker info --format '{{.ID}} {{.DockerRootDir}} {{.Name}}'").text
    assert said.split()[0] not in ("", own["ID"])
    assert said.split()[2] == "laptop"


# Everything that a process can say of itself and others, and what lies about in files.
LOOK = """cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr '\\0' '\\n'
cat /proc/mounts /etc/hosts /etc/environment 2>/dev/null
find /run /etc /opt /srv /root /home /tmp /var/tmp -xdev -type f -size -64k \
  -not -path '*/share/docker/*' -exec cat {} + 2>/dev/null | tr -d '\\0'"""


@BOTH
def test_no_secret_of_the_platform_is_in_a_machine(machine: Machine) -> None:
    secrets = [settings.SECRET_KEY, settings.REDIS_URL, str(settings.SLIPWAY_DATA)]
    carried = f"export KEY='{settings.SECRET_KEY}'; (sleep 1; :) & {LOOK}"
    assert settings.SECRET_KEY in unprotected(carried).text
    for run in (typed, as_root):
        said = run(machine, LOOK).text
        assert "learner" in said, "it did look"
        for secret in secrets:
            assert secret not in said


@ALL
def test_environment_and_labels_hold_only_what_is_the_machines(machine: Machine) -> None:
    found = engine.inspect_container(machine.container_id)
    assert found is not None
    names = {line.split("=")[0] for line in found["Config"]["Env"]}
    assert names <= {
        "PATH", "HOME", "USER", "LANG", "TERM", "XDG_RUNTIME_DIR", "DOCKER_HOST",
        "DOCKER_CLI_HINTS", "SLIPWAY_DEADLINE_SECONDS", "LAB_MACHINE",
        "SLIPWAY_GUEST", "SLIPWAY_LOGIN", "SLIPWAY_ACCELERATOR", "SLIPWAY_SERVICE_SECONDS",
    }  # fmt: skip
    labels = {name for name in found["Config"]["Labels"] if not name.startswith("org.slipway.")}
    assert labels <= {"slipway.instance", "slipway.sandbox", "slipway.machine"}
    assert settings.SECRET_KEY not in json.dumps(found)


# An address or a credential, as a build on a host with a proxy would leave one.
TRACES = ("://", "proxy", "password", "token", "secret")


def traces(*told: str) -> set[str]:
    words = "".join(told).lower().replace("unix:///run/user/1000", "")
    return {trace for trace in (*TRACES, assembly.instance_label()) if trace in words}


def told_of(api: docker.APIClient, image: str) -> str:
    return json.dumps([api.history(image), api.inspect_image(image)])


@pytest.fixture
def careless() -> Iterator[str]:
    """An image whose history and environment tell what they should not."""
    api = docker.from_env().api
    container = api.create_container(image_ref("shell"))["Id"]
    made = ""
    try:
        message = f"token of http://proxy for {assembly.instance_label()}"
        changes = ["ENV SECRET=password"]
        made = api.commit(container, message=message, changes=changes)["Id"]
        yield made
    finally:
        api.remove_container(container)
        if made:
            api.remove_image(made)
        api.close()


@pytest.mark.parametrize("kind", ["shell", "docker", "vm"])
def test_the_history_of_an_image_holds_no_address_and_no_credential(
    careless: str, kind: str
) -> None:
    api = docker.from_env().api
    try:
        open_book, told = told_of(api, careless), told_of(api, image_ref(kind))
        seed = json.dumps(api.inspect_volume(seed_volume())["Labels"])
    finally:
        api.close()
    assert traces(open_book) == {*TRACES, assembly.instance_label()}
    assert "slipway-init" in told, "it says how the image was made"
    assert traces(told, seed) == set()
