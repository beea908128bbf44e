"""Addresses that other platforms filled in: `{{TRAFFIC_HOST1_80}}`, `[[HOST_SUBDOMAIN]]` and so on.

In text they become the name of a preview, in commands the address inside the machines.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from courses.importers.pieces import code_spans
from courses.importers.report import StepReport
from courses.schema import MAX_PREVIEWS

_TRAFFIC = r"\{\{\s{0,9}TRAFFIC_HOST(?P<thost>\d{1,2})_(?P<tport>\d{1,5})\s{0,9}\}\}"
_SUBDOMAIN = (
    r"(?:https?://)?(?:[\w-]{1,60}\.){0,5}"
    r"\[\[(?:HOST|CLIENT)(?P<khost>\d?)_SUBDOMAIN\]\]-(?P<kport>\d{1,5})-\[\[KATACODA_HOST\]\]"
    r"\.(?:environments\.katacoda\.com|\[\[KATACODA_DOMAIN\]\])"
)
_ADDRESS = rf"(?:{_TRAFFIC}|{_SUBDOMAIN})(?P<path>[/?][^\s()\[\]<>\"'`|]{{0,1000}})?"
_ANY = re.compile(_ADDRESS, re.IGNORECASE)
_LINK = re.compile(
    rf"\[(?P<label>[^\[\]\n]{{0,300}})\]\(\s{{0,9}}{_ADDRESS}[^()\n]{{0,200}}\)", re.IGNORECASE
)
_SELECTOR = re.compile(
    r"(?:\[([^\[\]\n]{0,300})\]\()?\s{0,9}\{\{\s{0,9}TRAFFIC_SELECTOR\s{0,9}\}\}\s{0,9}\)?",
    re.IGNORECASE,
)
_IP = re.compile(r"\[\[(?:HOST|CLIENT)(\d?)_IP\]\]", re.IGNORECASE)
_OTHER = re.compile(r"\[\[[A-Z][A-Z0-9_]{2,40}\]\]|\{\{\s{0,9}TRAFFIC_\w{1,40}\s{0,9}\}\}")


@dataclass
class Addresses:
    """Collects the previews of a lesson while its steps are read."""

    machines: tuple[str, ...]
    previews: list[tuple[str, int, str]] = field(default_factory=list)

    def in_text(self, text: str, report: StepReport) -> str:
        """Prose with the names of previews in place of addresses."""
        text = _LINK.sub(self._with(report, self._named_link), text)
        text = _SELECTOR.sub(
            lambda match: f"**{match[1] or 'the previews'}** (the tabs of the lesson)", text
        )
        text = _ANY.sub(self._with(report, self._name), text)
        return self._rest(text, report)

    def in_text_outside_code(self, paragraph: str, report: StepReport) -> str:
        """`in_text` for a paragraph, with its code spans left as they are."""
        if "[[" not in paragraph and "{{" not in paragraph:
            return paragraph
        out, position = [], 0
        paragraph = _LINK.sub(self._with(report, self._named_link), paragraph)
        for start, _, _, end in code_spans(paragraph):
            out += [self.in_text(paragraph[position:start], report), paragraph[start:end]]
            position = end
        return "".join([*out, self.in_text(paragraph[position:], report)])

    def in_code(self, text: str, report: StepReport) -> str:
        """Commands or a file with the addresses that work inside the machines."""
        text = _ANY.sub(self._with(report, self._inside), text)
        return self._rest(text, report)

    def add(self, host: int, port: int, report: StepReport, title: str = "") -> str | None:
        """The title of the preview of a port; None when there is no such place, which is reported."""
        if not 0 < host <= len(self.machines) or not 0 < port < 65536:
            report.block(f"port {port} of host {host} can't be shown: there is no such place")
            return None
        machine = self.machines[host - 1]
        for known_machine, known_port, known_title in self.previews:
            if (known_machine, known_port) == (machine, port):
                return known_title
        if len(self.previews) == MAX_PREVIEWS:
            report.lose(f"port {port} of {machine} has no preview: a lesson has {MAX_PREVIEWS}")
            return None
        place = f"{machine}:{port}" if len(self.machines) > 1 else f"Port {port}"
        self.previews.append((machine, port, title or place))
        return title or place

    def _with(
        self,
        report: StepReport,
        make: Callable[[re.Match[str], int, int, StepReport], str],
    ) -> Callable[[re.Match[str]], str]:
        def replace(match: re.Match[str]) -> str:
            host = int(match["thost"] or match["khost"] or 1)
            return make(match, host, int(match["tport"] or match["kport"]), report)

        return replace

    def _named_link(self, match: re.Match[str], host: int, port: int, report: StepReport) -> str:
        return f"**{match['label']}** ({self._preview(match, host, port, report)})"

    def _name(self, match: re.Match[str], host: int, port: int, report: StepReport) -> str:
        return f"**{self._preview(match, host, port, report)}**"

    def _preview(self, match: re.Match[str], host: int, port: int, report: StepReport) -> str:
        title = self.add(host, port, report)
        if title is None:
            return f"port {port} of host {host}"
        path = f", page `{match['path']}`" if len(match["path"] or "") > 1 else ""
        return f"the preview “{title}”{path}"

    def _inside(self, match: re.Match[str], host: int, port: int, report: StepReport) -> str:
        self.add(host, port, report)
        report.lose("an address in a command is the one inside the machine, not a public one")
        return f"http://{self._name_of(host)}:{port}{match['path'] or ''}"

    def _name_of(self, host: int) -> str:
        if len(self.machines) > 1 and 0 < host <= len(self.machines):
            return self.machines[host - 1]
        return "localhost"

    def _rest(self, text: str, report: StepReport) -> str:
        text = _IP.sub(lambda match: self._name_of(int(match[1] or 1)), text)
        for match in _OTHER.finditer(text):
            report.lose(f"nothing here stands for “{match[0]}”")
        return text
