"""Failed attacks end a run with a code of their own, so that `./test` does not try them again.

An attack that worked once has worked, whatever it does alone afterwards.
"""

from pathlib import PurePosixPath

import pytest

# Not one of pytest's own; `./test` tries again only after 1.
ATTACK_FAILED = 10


class Attacks:
    """Watches a run's reports, also those that other processes send."""

    def __init__(self) -> None:
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        file = PurePosixPath(report.nodeid.partition("::")[0])
        if report.failed and file.name.startswith("test_attacks_"):
            self.failed.append(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.failed and session.exitstatus == pytest.ExitCode.TESTS_FAILED:
            session.exitstatus = ATTACK_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for nodeid in self.failed:
            terminalreporter.write_line(f"not tried again, because it is an attack: {nodeid}")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Attacks())
