"""The capability report: promises, findings, and which kinds are on, for page and command."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, get_args

from django.utils.translation import gettext

from sandbox import egress, hosts, promises
from sandbox.promises import NOT_FOUND_OUT, PROMISES, Finding, Promise, Verdict
from sandbox.specs import RUNNABLE_KINDS, Kind, limits_of


@dataclass(frozen=True)
class Row:
    """One promise with what was found. `todo` is empty when nothing is."""

    id: str
    title: str
    verdict: str
    words: str
    evidence: str
    todo: str
    required_by: tuple[str, ...]
    told_for: tuple[str, ...]
    accepted: bool


@dataclass(frozen=True)
class KindState:
    """Whether machines of a kind can be started, and why not, or in spite of what."""

    kind: str
    on: bool
    runtime: str
    # Titles of required promises that are not kept, and of those among them accepted.
    missing: tuple[str, ...]
    accepted: tuple[str, ...]
    # Hosts outside that the operator lists for it.
    egress: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """All of it. `examined_at` is None before the first examination."""

    examined_at: datetime | None
    problem: str
    hint: str
    facts: dict[str, Any]
    rows: tuple[Row, ...]
    kinds: tuple[KindState, ...]

    @property
    def all_kept(self) -> bool:
        """Whether each promise that a kind requires is known to be kept, none accepted."""
        examined = self.examined_at is not None
        return examined and not self.problem and not any(kind.missing for kind in self.kinds)

    def as_json(self) -> dict[str, Any]:
        """JSON-ready; times are ISO 8601."""
        at = self.examined_at.isoformat() if self.examined_at else None
        return asdict(self) | {"examined_at": at, "all_kept": self.all_kept}


def report() -> Report:
    """The report as of the latest examination, from the database alone."""
    host = hosts.current()
    findings = hosts.findings_of(host)
    kept = host.examination if host else {}
    state = hosts.availability()
    return Report(
        examined_at=datetime.fromisoformat(kept["at"]) if kept else None,
        problem=state.message,
        hint=state.hint,
        facts=kept.get("facts", {}),
        rows=tuple(_row(promise, findings.get(promise.id, NOT_FOUND_OUT)) for promise in PROMISES),
        kinds=tuple(_kind(k, findings) for k in get_args(Kind) if k in RUNNABLE_KINDS),
    )


def _row(promise: Promise, finding: Finding) -> Row:
    words = {Verdict.KEPT: promise.say("kept"), Verdict.BROKEN: promise.say("broken")}
    todo = {Verdict.KEPT: "", Verdict.BROKEN: promise.say("change")}
    again = gettext("See the worker's log; `manage.py sandboxreport --again` examines anew.")
    return Row(
        id=promise.id,
        title=promise.say("title"),
        verdict=str(finding.verdict),
        words=words.get(finding.verdict, gettext("Whether this is so could not be found out.")),
        evidence=finding.evidence,
        todo=todo.get(finding.verdict, again),
        required_by=tuple(k for k in promise.kinds if k in promise.required_by),
        told_for=tuple(k for k in promise.kinds if k in promise.told_for),
        accepted=promise.id in promises.accepted() and finding.verdict != Verdict.KEPT,
    )


def _kind(kind: str, findings: dict[str, Finding]) -> KindState:
    missing = promises.missing_for(kind, findings)
    accepted = [promise for promise in missing if promise.id in promises.accepted()]
    return KindState(
        kind=kind,
        on=len(accepted) == len(missing),
        runtime=limits_of(kind).runtime,
        missing=tuple(promise.say("title") for promise in missing),
        accepted=tuple(promise.say("title") for promise in accepted),
        egress=tuple(egress.entries_of(kind)),
    )
