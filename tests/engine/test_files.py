"""Files to and from real machines: whole, conflicting, broken off, and what nobody may touch."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from sandbox import files
from sandbox.files import FileRefused, TooManyTransfers
from sandbox.models import Machine
from tests.engine.probes import as_learner

pytestmark = [pytest.mark.engine, pytest.mark.django_db]
MIB = 1024 * 1024


async def body(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def read(machine: Machine, path: str) -> tuple[files.Found, bytes]:
    async with aclosing(files.read(machine, path)) as reading:
        async for found in reading:
            return found, b"".join([data async for data in found.content])
    raise AssertionError("no answer")


async def learner(machine: Machine, script: str) -> str:
    return (await asyncio.to_thread(as_learner, machine, script)).text


@pytest.fixture
def machine(request: pytest.FixtureRequest, kind: str) -> Machine:
    # Not in the test: making a machine has an event loop of its own.
    found: Machine = request.getfixturevalue(f"shared_{kind}")
    return found


@pytest.mark.parametrize("kind", ["shell", "docker"])
async def test_what_is_sent_is_what_the_shell_sees_and_comes_back(
    machine: Machine, kind: str
) -> None:
    data = bytes(range(256)) * 4096 * 8
    written = await files.write(machine, "~/deep/er/picture.bin", body(data[:100], data[100:]))
    assert written["bytes"] == len(data)
    said = await learner(machine, "cd /home/learner/deep/er; sha256sum < picture.bin; stat -c %U .")
    assert said.split()[0] == hashlib.sha256(data).hexdigest()
    found, back = await read(machine, "~/deep/er/picture.bin")
    assert (back, found.etag) == (data, written["etag"])
    listed = await files.entries(machine, "~/deep/er")
    assert [(e["name"], e["type"], e["bytes"]) for e in listed["entries"]] == [
        ("picture.bin", "file", len(data))
    ]


async def test_a_file_that_was_changed_meanwhile_stays(shared_shell: Machine) -> None:
    first = await files.write(shared_shell, "~/c.txt", body(b"one"))
    second = await files.write(shared_shell, "~/c.txt", body(b"three"), if_match=first["etag"])
    for more, code in (
        ({"if_match": first["etag"]}, "file_changed"),
        ({"overwrite": False}, "file_exists"),
    ):
        with pytest.raises(FileRefused) as refused:
            await files.write(shared_shell, "~/c.txt", body(b"two"), **more)  # type: ignore[arg-type]
        assert refused.value.code == code
    found, data = await read(shared_shell, "~/c.txt")
    assert (data, found.etag) == (b"three", second["etag"])


async def test_an_upload_that_breaks_off_leaves_the_old_file_and_nothing_else(
    shared_shell: Machine,
) -> None:
    class Left(Exception):
        pass

    async def broken() -> AsyncIterator[bytes]:
        yield b"half of the new"
        raise Left

    await files.write(shared_shell, "~/cut/old.txt", body(b"old"))
    with pytest.raises(Left):
        await files.write(shared_shell, "~/cut/old.txt", broken())
    await asyncio.sleep(0.5)
    assert await learner(shared_shell, "cd ~/cut; cat *") == "old"


async def test_a_body_over_the_limit_is_refused_and_not_kept(
    shared_shell: Machine, settings: Any
) -> None:
    settings.SANDBOX_FILE_MIB = 1
    with pytest.raises(FileRefused) as refused:
        await files.write(shared_shell, "~/big", body(*[bytes(MIB)] * 3))
    assert (refused.value.code, refused.value.status) == ("too_large", 413)
    assert "big" not in await learner(shared_shell, "ls -a ~")


async def test_a_full_disk_is_said_and_the_old_file_stays(shared_shell: Machine) -> None:
    await files.write(shared_shell, "/opt/full", body(b"old"))
    with pytest.raises(FileRefused, match="No space left"):
        await files.write(shared_shell, "/opt/full", body(*[bytes(MIB)] * 48))
    assert await learner(shared_shell, "cat /opt/full; ls /opt") == "oldfull\n"


@pytest.mark.parametrize("path", ["/etc/evil", "/proc/1/oom_score_adj", "~/link/evil", "/root/x"])
async def test_nothing_is_written_where_the_learner_may_not(
    shared_shell: Machine, path: str
) -> None:
    await learner(shared_shell, "ln -sfn /etc ~/link")
    with pytest.raises(FileRefused):
        await files.write(shared_shell, path, body(b"x"))


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/etc/shadow", "not_allowed"),
        ("~/shadow", "not_allowed"),
        ("/dev/zero", "is_folder"),
        ("~/pipe", "is_folder"),
        ("~", "is_folder"),
        ("~/none", "not_found"),
    ],
)
async def test_what_is_no_file_of_the_learners_is_not_read(
    shared_shell: Machine, path: str, code: str
) -> None:
    await learner(shared_shell, "ln -sf /etc/shadow ~/shadow; [ -p ~/pipe ] || mkfifo ~/pipe")
    with pytest.raises(FileRefused) as refused:
        async with asyncio.timeout(10):
            await read(shared_shell, path)
    assert refused.value.code == code


async def test_a_machine_moves_so_many_files_at_once_and_leaves_no_process(
    shared_shell: Machine,
) -> None:
    await files.write(shared_shell, "~/seen", body(b"x"))
    gate = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        await gate.wait()

    busy = [asyncio.create_task(files.write(shared_shell, f"~/slow{n}", slow())) for n in range(4)]
    await asyncio.sleep(0.05)
    with pytest.raises(TooManyTransfers):
        await files.write(shared_shell, "~/fifth", body(b"x"))
    gate.set()
    await asyncio.gather(*busy)
    await asyncio.sleep(0.3)
    assert await learner(shared_shell, "pgrep -c python3") == "0\n"


async def test_names_are_given_and_taken_as_the_learner(shared_shell: Machine) -> None:
    await files.make_folder(shared_shell, "~/names/inner")
    await files.write(shared_shell, "~/names/inner/a", body(b"a"))
    await files.rename(shared_shell, "~/names/inner/a", "~/names/b")
    said = await learner(shared_shell, "cd /home/learner/names; ls -R; stat -c %U inner b")
    assert said.split() == [".:", "b", "inner", "./inner:", "learner", "learner"]
    for work in (
        files.make_folder(shared_shell, "/etc/mine"),
        files.rename(shared_shell, "/etc/passwd", "/etc/gone"),
        files.rename(shared_shell, "~/names/b", "/etc/b"),
        files.delete(shared_shell, "/etc/passwd", recursive=False),
        files.delete(shared_shell, "~", recursive=True),
    ):
        with pytest.raises(FileRefused) as refused:
            await work
        assert refused.value.code in ("not_allowed", "other_disk")
    await files.delete(shared_shell, "~/names", recursive=True)
    assert "names" not in await learner(shared_shell, "ls /home/learner; test -s /etc/passwd")
