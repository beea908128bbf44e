"""Where the build fetches Debian packages from: derived from the host's own apt sources.

The host is set up with mirrors that it can reach; another suite of Debian lives on the same mirrors. Formats:
sources.list(5), one-line and deb822.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox.images.stages import BuildError

#: For hosts that are no Debian: "<archive> [<security archive>]".
MIRROR_VARIABLE = "SLIPWAY_DEBIAN_MIRROR"
#: What stays in an image. A machine has no network, so an address here would only mislead.
NEUTRAL_SOURCES = "# This machine reaches no package archive; what it has is all there is.\n"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

_ONE_LINE = re.compile(r"^\s*deb\s+(?:\[[^\]]*\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)")
#: Suites that only Debian has; "stable" and friends are left out, since other archives use these words too.
_DEBIAN_SUITE = re.compile(
    r"^(buster|bullseye|bookworm|trixie|forky|sid)(-updates|-security|/updates)?$"
)


@dataclass(frozen=True)
class Mirrors:
    """URIs of the main archive and of the security archive (None: the host's mirror has none)."""

    archive: str
    security: str | None


def derive_mirrors(texts: Iterable[str]) -> Mirrors:
    """Mirrors from SLIPWAY_DEBIAN_MIRROR, else from the texts of a host's sources files.

    Raises BuildError when neither names a Debian archive (an Ubuntu host, for instance).
    A host with a Debian mirror and no security archive (a closed network's partial mirror)
    gets none here either.
    """
    if given := os.environ.get(MIRROR_VARIABLE, "").split():
        return Mirrors(given[0].rstrip("/"), given[1].rstrip("/") if len(given) > 1 else None)
    archive: str | None = None
    security: str | None = None
    for text in texts:
        for uri, suite in _entries(text):
            if not _DEBIAN_SUITE.match(suite):
                continue
            if suite.endswith(("-security", "/updates")):
                security = security or uri
            else:
                archive = archive or uri
    if archive is None:
        raise BuildError(
            "This host's apt sources name no Debian archive.",
            f'Set {MIRROR_VARIABLE}="<address of a Debian archive>" and try again.',
        )
    return Mirrors(archive, security)


def sources_for(suite: str, mirrors: Mirrors) -> str:
    """The sources.list text that bootstraps `suite` from these mirrors."""
    signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
    lines = [f"deb {signed}{mirrors.archive} {suite} main"]
    if mirrors.security:
        lines.append(f"deb {signed}{mirrors.security} {suite}-security main")
    return "\n".join(lines) + "\n"


def host_sources(root: Path = Path("/etc/apt")) -> list[str]:
    """The texts of the host's enabled sources files."""
    files = [root / "sources.list", *sorted((root / "sources.list.d").glob("*.list"))]
    files += sorted((root / "sources.list.d").glob("*.sources"))
    return [file.read_text(encoding="utf-8", errors="replace") for file in files if file.is_file()]


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """(uri, suite) pairs of one sources file, in either format."""
    if re.search(r"^URIs\s*:", text, re.MULTILINE | re.IGNORECASE):
        yield from _deb822_entries(text)
        return
    for line in text.splitlines():
        match = _ONE_LINE.match(line)
        if match and _is_fetchable(match["uri"]):
            yield match["uri"].rstrip("/"), match["suite"]


def _deb822_entries(text: str) -> Iterator[tuple[str, str]]:
    for stanza in re.split(r"\n\s*\n", text):
        fields = _fields(stanza)
        if (
            fields.get("enabled", "yes").lower() in ("no", "false", "0")
            or "deb" not in fields.get("types", "").split()
        ):
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                if _is_fetchable(uri):
                    yield uri.rstrip("/"), suite


def _fields(stanza: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1] in " \t" and name:
            fields[name] += " " + line.strip()
        elif ":" in line:
            name, value = line.split(":", 1)
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields


def _is_fetchable(uri: str) -> bool:
    return not uri.startswith("cdrom:")
