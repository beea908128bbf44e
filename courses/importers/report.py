"""What came of an import, step by step, said so that an author can mend the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from courses.importers.drafts import LessonDraft


class Outcome(StrEnum):
    """What a learner can do with an imported step."""

    RUNS = "runs"
    LOSS = "runs with loss"
    CANNOT = "can't"


@dataclass
class StepReport:
    """One step: what got lost, and what keeps it from running at all."""

    name: str
    losses: list[str] = field(default_factory=list)
    blockers: list[str] = field(default_factory=list)

    @property
    def outcome(self) -> Outcome:
        if self.blockers:
            return Outcome.CANNOT
        return Outcome.LOSS if self.losses else Outcome.RUNS

    @property
    def reasons(self) -> list[str]:
        """Blockers, then losses, each once."""
        return list(dict.fromkeys([*self.blockers, *self.losses]))

    def lose(self, reason: str) -> None:
        """Something of the step is not as it was."""
        self.losses.append(reason)

    def block(self, reason: str) -> None:
        """The step can't be done."""
        self.blockers.append(reason)


@dataclass
class ScenarioReport:
    """One scenario or post: where it came from, what it became and where, its steps."""

    source: str
    lesson: str = ""
    steps: list[StepReport] = field(default_factory=list)
    draft: LessonDraft | None = None

    def step(self, name: str) -> StepReport:
        """A new step."""
        report = StepReport(" ".join(name.split())[:80])
        self.steps.append(report)
        return report


@dataclass
class ImportReport:
    """Everything of one run; `notes` is about the source as a whole."""

    scenarios: list[ScenarioReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def scenario(self, source: str) -> ScenarioReport:
        """A new scenario."""
        report = ScenarioReport(source)
        self.scenarios.append(report)
        return report

    def counts(self) -> dict[Outcome, int]:
        """How many steps came out how."""
        outcomes = [step.outcome for each in self.scenarios for step in each.steps]
        return {outcome: outcomes.count(outcome) for outcome in Outcome}

    def lines(self) -> Iterator[str]:
        """The report as plain text: scenario, its steps, the reasons below each."""
        for scenario in self.scenarios:
            yield f"{scenario.source} → {scenario.lesson or 'nothing'}"
            for step in scenario.steps:
                yield f"  {step.outcome.value:<14}  {step.name}"
                yield from (f"{'':18}- {reason}" for reason in step.reasons)
        yield from (f"note: {note}" for note in self.notes)
        yield ", ".join(f"{count} {outcome.value}" for outcome, count in self.counts().items())

    def as_dict(self) -> dict[str, object]:
        """The JSON form printed by `importscenario --json`."""
        return {
            "scenarios": [
                {
                    "source": scenario.source,
                    "lesson": scenario.lesson,
                    "steps": [
                        {"name": step.name, "outcome": step.outcome.value, "reasons": step.reasons}
                        for step in scenario.steps
                    ],
                }
                for scenario in self.scenarios
            ],
            "notes": self.notes,
            "counts": {outcome.value: count for outcome, count in self.counts().items()},
        }
