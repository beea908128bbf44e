"""One ASGI application: pages, WebSockets and previews, told apart by scheme and host.

Settings decide what a process serves: in one-machine use it serves all; in the compose
file the proxy sends `/ws/` and preview hosts to the console service only.
"""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from channels.routing import ProtocolTypeRouter  # noqa: E402
from django.utils.module_loading import import_string  # noqa: E402

from config.http import KeptThreads, OneThreadHandler  # noqa: E402

# By name, after setup: config imports no app's internals, and models need the registry.
route_websocket = import_string("sandbox.routing.websocket")
with_user = import_string("classroom.auth.WebSocketUser")
with_http_user = import_string("classroom.auth.HttpUser")
route_files = import_string("sandbox.file_requests.FileRequests")
route_previews = import_string("sandbox.preview.PreviewHosts")
start_gate = import_string("sandbox.start_gate.StartGate")
pages = start_gate(KeptThreads(OneThreadHandler()))

# A thread that wants the interpreter's lock asks for it after so long; each short step of a page
# (a query, a template) may have to. The default of 5 ms adds up where others compute.
sys.setswitchinterval(0.001)

application = ProtocolTypeRouter(
    {
        "http": route_previews(route_files(pages, with_http_user)),
        "websocket": route_previews(with_user(route_websocket)),
    }
)
