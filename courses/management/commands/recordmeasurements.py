"""`manage.py recordmeasurements`: real measurements for sites that can't run virtual machines."""

import json
import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand

from courses import recorded
from courses.own_services import run_with_own_services, site_is_there
from sandbox import hosts, lifecycle, recording
from sandbox.specs import MachineSpec, SandboxSpec

MACHINES = (MachineSpec(name="house", kind="vm"), MachineSpec(name="box", kind="docker"))


class Command(BaseCommand):
    """Writes courses/figures/recorded.json; takes a few minutes on a host that is quiet."""

    help = "Measure VMs and containers on this host and keep the figures with the courses."

    def handle(self, *args: Any, **options: Any) -> None:
        if not site_is_there():
            raise SystemExit(run_with_own_services(["recordmeasurements"]))
        hosts.refresh()
        learner = get_user_model().objects.create(username=f"recording-{secrets.token_hex(8)}")
        try:
            spec = SandboxSpec(machines=MACHINES, network="none")
            sandbox = lifecycle.request_start(learner, spec, course="recording", lesson="recording")
            lifecycle.create_now(sandbox)
            try:
                found = recording.record(sandbox)
            finally:
                lifecycle.destroy_now(sandbox)
        finally:
            learner.delete()
        recorded.FILE.parent.mkdir(exist_ok=True)
        recorded.FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        self.stdout.write(f"{recorded.FILE} is written: {found['machine']}")
