"""One ASGI application: pages, WebSockets and previews, told apart by scheme and host.

Settings decide what a process serves: in one-machine use it serves all; in the compose
file the proxy sends `/ws/` and preview hosts to the console service only.
"""

import os

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
listen_for_previews = import_string("sandbox.preview_listener.lifespan")
start_gate = import_string("sandbox.start_gate.StartGate")
pages = start_gate(KeptThreads(OneThreadHandler()))
sockets = pages.before(with_user(route_websocket))

application = ProtocolTypeRouter(
    {
        "http": route_previews(route_files(pages, with_http_user)),
        "websocket": route_previews(sockets),
        "lifespan": listen_for_previews,
    }
)
