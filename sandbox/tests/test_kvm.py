"""The KVM probe: honest about what it finds, alone and in a hurry."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox import kvm


def test_it_runs_alone_and_its_exit_code_says_what_its_line_says(tmp_path: Path) -> None:
    source = Path(kvm.__file__).read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", "-c", source], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stderr == ""
    assert done.stdout.startswith("kvm: " if done.returncode == 0 else "tcg: ")
    assert len(done.stdout.splitlines()) == 1


def test_no_device_is_an_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kvm, "DEVICE", str(tmp_path / "kvm"))
    usable, why = kvm.probe()
    assert not usable
    assert "No such file" in why or "x86-64" in why


def test_a_device_that_is_none_is_an_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "kvm").touch()
    monkeypatch.setattr(kvm, "DEVICE", str(tmp_path / "kvm"))
    assert not kvm.probe()[0]


def test_a_guest_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kvm, "run_guest", lambda: time.sleep(60) or "")
    assert kvm.probe(0.2) == (False, "guest code did not end in 0.2 s")


def test_a_probe_that_dies_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kvm, "_answer", lambda _writing: kvm.os._exit(3))
    assert kvm.probe() == (False, "the probe died")


def test_the_guests_code_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    # A short loop ends even where KVM is too slow to be of use.
    monkeypatch.setattr(kvm, "ITERATIONS", 3)
    usable, why = kvm.probe(20)
    if not usable:
        pytest.skip(f"not run: no guest runs on this machine ({why})")
    monkeypatch.setattr(kvm, "SIGN", kvm.SIGN + 1)
    written = kvm._guest_code()
    monkeypatch.setattr(kvm, "SIGN", kvm.SIGN - 1)
    monkeypatch.setattr(kvm, "_guest_code", lambda: written)
    assert kvm.probe(20) == (False, "the guest did something else than it was told")
