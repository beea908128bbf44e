"""Whether the egress proxy of each kind that is let out refuses what is not listed.

A helper built as a machine of the kind asks for addresses and names that nobody may list,
through the socket that machines have. Being refused by the proxy's own words is what proves
that it answers at all.
"""

from sandbox import egress, egress_keeper
from sandbox.probes.containers import Said, ask, body_of, broken, kept, unknown
from sandbox.promises import Finding

NEVER = ("169.254.169.254:80", "127.0.0.1:80", "[::1]:80", "metadata.invalid:80")
ASK = """
import socket, sys
passed = []
for where in sys.argv[2:]:
    with socket.socket(socket.AF_UNIX) as proxy:
        proxy.settimeout(5)
        proxy.connect(sys.argv[1])
        proxy.sendall(f"CONNECT {where} HTTP/1.1\\r\\nHost: {where}\\r\\n\\r\\n".encode())
        if b" 403 " not in proxy.recv(200).split(b"\\r\\n")[0]:
            passed.append(where)
print("asked=" + str(len(sys.argv) - 2))
print("passed=" + " ".join(passed))
"""


def outside() -> dict[str, Finding]:
    """Promises `egress-<kind>`."""
    return {f"egress-{kind}": _of(kind) for kind in egress.KINDS}


def _of(kind: str) -> Finding:
    entries = egress.entries_of(kind)
    if not entries:
        return kept("no host outside is listed, and machines have no way out")
    egress_keeper.ensure(kind)
    command = ["/usr/bin/python3", "-c", ASK, egress_keeper.SOCKET, *NEVER]
    return judge(ask(body_of(kind, command, Mounts=egress_keeper.mount(kind))), entries)


def judge(tried: Said, entries: list[str]) -> Finding:
    """From what the helper said."""
    if tried.refused or tried.values.get("asked") != str(len(NEVER)):
        return unknown(tried.refused or tried.rest or "the helper said nothing")
    if passed := tried.values["passed"]:
        return broken(f"the proxy does not refuse {passed}")
    return kept(f"the proxy refuses what is not listed; listed: {', '.join(entries)}")
