"""What a server runs: `asgi.application`, in a process that is made ready for a long life.

Apart from `asgi`, because tests and tools import that one into processes of their own.
"""

import gc
import sys

from django.utils.module_loading import import_string

from config.asgi import application

__all__ = ["application"]

# Objects made since the last look of Python's collector at the young ones; the default of 700
# is a look in nearly every query.
YOUNG_OBJECTS = 20_000


def settle() -> None:
    """Have the courses in memory, and keep the collector away from what stays anyway.

    A look at all objects took 0.1 s here, with every thread and terminal standing still.
    Source: Python documentation, `gc.freeze`.
    """
    import_string("courses.catalogue.courses")()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
    # A thread that wants the interpreter's lock asks for it after so long; each short step of a
    # page (a query, a template) may have to. The default of 5 ms adds up where others compute.
    sys.setswitchinterval(0.001)


settle()
