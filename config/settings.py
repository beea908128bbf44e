"""Every setting of Slipway, read from the environment once.

Each value names its unit, its default and what it is for; `docs/settings.md` lists them
all and a test fails when one is missing there. Wrong values are system checks with an id
(`sandbox/checks.py`).
"""

import os
import re
import secrets
from pathlib import Path

import environ
import structlog
from csp.constants import NONE, SELF, UNSAFE_INLINE

from config.host_zone import host_zone

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent

# --- Where this instance lives ------------------------------------------------------------

# Folder of the database, the embedded Redis and the instance id; two instances on one
# engine keep apart by it.
SLIPWAY_DATA = Path(env.str("SLIPWAY_DATA", default=str(BASE_DIR / ".data"))).resolve()
# First part of every engine object's name; made once and kept in SLIPWAY_DATA.
SLIPWAY_INSTANCE = env.str("SLIPWAY_INSTANCE", default="")
# The address people type; Origin headers are compared with it whole.
SITE_URL = env.str("SITE_URL", default="http://localhost:8000").rstrip("/")
# Further addresses under which the same site is reached, comma-separated (a LAN address).
SITE_URLS_EXTRA = [u.rstrip("/") for u in env.list("SITE_URLS_EXTRA", default=[])]
# Parent of the preview origins: `p-<token>-<port>.<PREVIEW_HOST>`; empty when no such name
# can resolve.
PREVIEW_HOST = env.str("PREVIEW_HOST", default="localhost:8000")
# Ports, `first-last`, at which the console serves previews to browsers that can't resolve such
# names; each open preview takes one. Empty: none. And the address they are listened on at.
PREVIEW_PORTS = env.str("PREVIEW_PORTS", default="")
PREVIEW_PORTS_BIND = env.str("PREVIEW_PORTS_BIND", default="0.0.0.0")  # noqa: S104  as the site
# Lesson folders; each sub-folder with a course.yaml is a course.
COURSES_PATH = Path(env.str("COURSES_PATH", default=str(BASE_DIR / "courses" / "library")))

# The folder of one course whose author this site serves: pages show what is wrong with it, and
# buttons run its scripts. Set by `manage.py author`; never on a site for others.
AUTHOR_COURSE = env.str("AUTHOR_COURSE", default="")


def _kept(name: str, make: str) -> str:
    """Return the value kept in SLIPWAY_DATA/name, made on first use with `make`.

    O_EXCL decides between two processes that start at once: the loser reads the winner's.
    """
    path = SLIPWAY_DATA / name
    if not path.exists():
        SLIPWAY_DATA.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f"{name}.{os.getpid()}")
        scratch.write_text(make, encoding="ascii")
        scratch.chmod(0o600)
        try:
            os.link(scratch, path)
        except FileExistsError:
            pass
        finally:
            scratch.unlink()
    return path.read_text(encoding="ascii").strip()


SLIPWAY_INSTANCE = SLIPWAY_INSTANCE or _kept("instance-id", secrets.token_hex(4))

# --- Django -------------------------------------------------------------------------------

# Signs sessions, tokens and preview addresses; kept in SLIPWAY_DATA unless given.
SECRET_KEY = env.str("SECRET_KEY", default="") or _kept("secret-key", secrets.token_urlsafe(48))
# Tracebacks in the browser; never outside development.
DEBUG = env.bool("DEBUG", default=False)
# Host names the site answers to; "*" is safe here only because SITE_URL decides Origin.
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"])

INSTALLED_APPS = [
    "classroom",
    "courses",
    "sandbox",
    "channels",
    "allauth",
    "allauth.account",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_structlog",
]

MIDDLEWARE = [
    "config.http.SecurityHeaders",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "courses.languages.reader_languages",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
AUTH_USER_MODEL = "classroom.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "courses.languages.menu",
                "sandbox.context.platform",
            ],
            # So that no template forgets to load them.
            "builtins": ["django.templatetags.i18n"],
        },
    }
]

# SQLite by default, PostgreSQL by a URL such as postgres://user:password@host/name.
DATABASES = {
    "default": env.db_url("DATABASE_URL", default=f"sqlite:///{SLIPWAY_DATA / 'db.sqlite3'}")
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE: a transaction that will write takes the lock at BEGIN, where the timeout
    # applies; a deferred one fails at once with "database is locked" when it upgrades.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
# Threads are kept, so connections may be.
DATABASES["default"]["CONN_MAX_AGE"] = 60

LANGUAGE_CODE = "en"
# Languages of the interface; courses may be in others as well (`courses/languages.py`).
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
# The clock on the wall, for times that people read and write; the database keeps UTC.
TIME_ZONE = env.str("TIME_ZONE", default="") or host_zone()
USE_I18N = True
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = SLIPWAY_DATA / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.static_urls.KeptUrls"},
}
# Served from the source folders with revalidation: an upgrade shows at once, and module
# imports keep their plain names.
SERVESTATIC_USE_FINDERS = True
SERVESTATIC_AUTOREFRESH = DEBUG
SERVESTATIC_MAX_AGE = env.int("STATIC_MAX_AGE_SECONDS", default=0)

# --- Redis: broker, events, replies, rate limits ------------------------------------------

# Any Redis-protocol server; ./start runs an embedded one and sets this.
REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        # redis-py 8 gives sockets a read timeout of its own; a subscriber waits without one.
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None}], "prefix": "slipway"},
    }
}
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = "slipway"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE = {
    "reap": {"task": "sandbox.tasks.reap", "schedule": 5.0, "options": {"expires": 5}},
    "examine": {
        "task": "sandbox.tasks.examine_if_due",
        "schedule": 5.0,
        "options": {"expires": 5},
    },
    "snapshots": {
        "task": "sandbox.tasks.snapshot_guests",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    # Often enough that an engine that was restarted does not leave dead machines "ready".
    "reconcile": {"task": "sandbox.tasks.reconcile", "schedule": 10.0, "options": {"expires": 10}},
}
CELERY_BEAT_SCHEDULER = "config.beat.SteadyScheduler"

# --- Accounts -----------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_ADAPTER = "classroom.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
# A guest is signed in already and must still be able to sign up or in.
ACCOUNT_AUTHENTICATED_LOGIN_REDIRECTS = False
ACCOUNT_SESSION_REMEMBER = True
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
SESSION_COOKIE_AGE = 60 * 60 * 24 * 90
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [SITE_URL, *SITE_URLS_EXTRA]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SITE_URL.startswith("https://")

# --- Browser security ---------------------------------------------------------------------

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
# On plain HTTP browsers ignore this header and log a warning for it.
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin" if SITE_URL.startswith("https://") else None
X_FRAME_OPTIONS = "DENY"
# A policy can't name a range of ports, so all of the site's own addresses.
_OWN_PORTS = [
    re.sub(r"(:[0-9]+)?$", ":*", url, count=1)
    for url in (SITE_URL, *SITE_URLS_EXTRA)
    if PREVIEW_PORTS and url.startswith("http://")
]
PREVIEW_FRAME_SOURCES = env.list(
    "PREVIEW_FRAME_SOURCES",
    default=[f"{SITE_URL.partition('://')[0]}://*.{PREVIEW_HOST}"] * bool(PREVIEW_HOST)
    + _OWN_PORTS,
)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        # xterm.js sizes its cells with <style> elements it makes.
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "frame-src": [SELF, *PREVIEW_FRAME_SOURCES],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- Sandboxes ----------------------------------------------------------------------------

# Engine address of console and worker; the web process never uses it.
DOCKER_HOST = env.str("DOCKER_HOST", default="unix:///var/run/docker.sock")
# Whether this process may reach the engine; the compose file sets it off for web and beat.
SANDBOX_ENGINE_ACCESS = env.bool("SANDBOX_ENGINE_ACCESS", default=True)
# Seconds from ready to expiry.
SANDBOX_LIFETIME_SECONDS = env.int("SANDBOX_LIFETIME_SECONDS", default=3600)
# Seconds that one Extend adds, and how many are allowed.
SANDBOX_EXTEND_SECONDS = env.int("SANDBOX_EXTEND_SECONDS", default=1800)
SANDBOX_EXTENSIONS = env.int("SANDBOX_EXTENSIONS", default=4)
# Seconds without any browser connected after which a sandbox ends.
SANDBOX_IDLE_SECONDS = env.int("SANDBOX_IDLE_SECONDS", default=900)
# Seconds without a sign of life from the worker after which a creation is taken over.
SANDBOX_STALL_SECONDS = env.int("SANDBOX_STALL_SECONDS", default=20)
# How often a creation is tried before the sandbox fails.
SANDBOX_ATTEMPTS = env.int("SANDBOX_ATTEMPTS", default=2)
# Share (percent) of the host's memory that the limits of live machines may add up to.
SANDBOX_MEMORY_PERCENT = env.int("SANDBOX_MEMORY_PERCENT", default=80)
# Sandboxes that may wait for room before a Start is refused.
SANDBOX_QUEUE_LIMIT = env.int("SANDBOX_QUEUE_LIMIT", default=200)
# Creations that run at once; the others wait their turn and say so.
SANDBOX_CREATES_IN_FLIGHT = env.int("SANDBOX_CREATES_IN_FLIGHT", default=4)
# Races and other loading runs on learners' machines that go on at once; the others wait.
SANDBOX_RUNS_IN_FLIGHT = env.int("SANDBOX_RUNS_IN_FLIGHT", default=2)
# MiB of memory that one side of the density lab may fill.
SANDBOX_FIT_MIB = env.int("SANDBOX_FIT_MIB", default=320)
# MiB of memory that must be free, as measured, for a machine to be made.
SANDBOX_MEMORY_FREE_MIB = env.int("SANDBOX_MEMORY_FREE_MIB", default=512)
# Percent of the engine's disk in use from which on Start is off.
SANDBOX_DISK_FULL_PERCENT = env.int("SANDBOX_DISK_FULL_PERCENT", default=95)
# Warm machines kept ready per kind; `manage.py pool warm` adds more for a class.
SANDBOX_POOL_SHELL = env.int("SANDBOX_POOL_SHELL", default=1)
SANDBOX_POOL_DOCKER = env.int("SANDBOX_POOL_DOCKER", default=1)
SANDBOX_POOL_VM = env.int("SANDBOX_POOL_VM", default=1)
# Warm machines that are made at once.
SANDBOX_POOL_IN_FLIGHT = env.int("SANDBOX_POOL_IN_FLIGHT", default=2)
# Seconds after which a warm machine is replaced.
SANDBOX_POOL_AGE_SECONDS = env.int("SANDBOX_POOL_AGE_SECONDS", default=3600)
# Percent of the sandboxes' memory that warm machines never take.
SANDBOX_POOL_RESERVE_PERCENT = env.int("SANDBOX_POOL_RESERVE_PERCENT", default=25)
# Limits per kind of machine: memory in MiB, processors, processes.
SANDBOX_SHELL_MEMORY_MIB = env.int("SANDBOX_SHELL_MEMORY_MIB", default=256)
SANDBOX_SHELL_CPUS = env.float("SANDBOX_SHELL_CPUS", default=1.0)
SANDBOX_SHELL_PIDS = env.int("SANDBOX_SHELL_PIDS", default=256)
SANDBOX_DOCKER_MEMORY_MIB = env.int("SANDBOX_DOCKER_MEMORY_MIB", default=1024)
SANDBOX_DOCKER_CPUS = env.float("SANDBOX_DOCKER_CPUS", default=2.0)
SANDBOX_DOCKER_PIDS = env.int("SANDBOX_DOCKER_PIDS", default=512)
SANDBOX_VM_MEMORY_MIB = env.int("SANDBOX_VM_MEMORY_MIB", default=640)
SANDBOX_VM_CPUS = env.float("SANDBOX_VM_CPUS", default=1.0)
SANDBOX_VM_PIDS = env.int("SANDBOX_VM_PIDS", default=256)
# Whether a worker makes snapshots of guests on this host, once per image, to start from.
SANDBOX_GUEST_SNAPSHOTS = env.bool("SANDBOX_GUEST_SNAPSHOTS", default=True)
# What a `docker` machine may take of the host's disk, in MiB; beyond it the sandbox is ended.
SANDBOX_DOCKER_DISK_MIB = env.int("SANDBOX_DOCKER_DISK_MIB", default=8192)
# Runtime per kind (an entry of the engine's runtimes); empty is the engine's default.
SANDBOX_RUNTIME_SHELL = env.str("SANDBOX_RUNTIME_SHELL", default="")
SANDBOX_RUNTIME_DOCKER = env.str("SANDBOX_RUNTIME_DOCKER", default="")
# Hosts outside that machines of a kind may reach, through a proxy: `host:port`, or
# `host:port=address` for one in a private range, comma-separated. Empty: nothing.
SANDBOX_EGRESS_SHELL = [e.strip() for e in env.list("SANDBOX_EGRESS_SHELL", default=[])]
SANDBOX_EGRESS_DOCKER = [e.strip() for e in env.list("SANDBOX_EGRESS_DOCKER", default=[])]
SANDBOX_RUNTIME_VM = env.str("SANDBOX_RUNTIME_VM", default="")
# Promises of the host whose absence the operator accepts, comma-separated ids
# (`manage.py sandboxreport` lists them); kinds of machine that need them are on all the same.
SANDBOX_ACCEPT_RISK = [p.strip() for p in env.list("SANDBOX_ACCEPT_RISK", default=[])]
# Bytes of recent output kept per terminal for those who come back.
TERMINAL_RING_BYTES = env.int("TERMINAL_RING_BYTES", default=1024 * 1024)
# Bytes in flight to one viewer before it must acknowledge.
TERMINAL_WINDOW_BYTES = env.int("TERMINAL_WINDOW_BYTES", default=512 * 1024)
# Viewers of one learner at once, over all terminals.
TERMINAL_SOCKETS_PER_LEARNER = env.int("TERMINAL_SOCKETS_PER_LEARNER", default=32)
# Whether what terminals show is kept, for replay; learners are told on the page.
TERMINAL_RECORDING = env.bool("TERMINAL_RECORDING", default=False)
# MiB of output after which a recording ends.
TERMINAL_RECORDING_MIB = env.int("TERMINAL_RECORDING_MIB", default=8)
# MiB that all recordings of one learner may have together; the oldest go first.
TERMINAL_RECORDING_LEARNER_MIB = env.int("TERMINAL_RECORDING_LEARNER_MIB", default=64)
# Days after which a recording is removed.
TERMINAL_RECORDING_DAYS = env.int("TERMINAL_RECORDING_DAYS", default=7)
# Terminals of one machine, the main one included.
TERMINALS_PER_MACHINE = env.int("TERMINALS_PER_MACHINE", default=8)
# Seconds without an acknowledgement after which a viewer that has output to read is closed.
# Whether a console that is root beside its engine goes into machines' network namespaces.
CONSOLE_ENTERS_NAMESPACES = env.bool("CONSOLE_ENTERS_NAMESPACES", default=True)
TERMINAL_STALL_SECONDS = env.int("TERMINAL_STALL_SECONDS", default=900)
# MiB that one file may have that a browser sends to a machine.
SANDBOX_FILE_MIB = env.int("SANDBOX_FILE_MIB", default=64)
# Starts per learner and per address in one minute.
START_RATE_LEARNER = env.str("START_RATE_LEARNER", default="10/minute")
# Starts of all learners of one class together; a class may have a rate of its own.
START_RATE_CLASS = env.str("START_RATE_CLASS", default="120/minute")
START_RATE_ADDRESS = env.str("START_RATE_ADDRESS", default="600/minute")
# Whether classes may let those who teach them look at learners' terminals.
CLASS_MAY_LOOK = env.bool("CLASS_MAY_LOOK", default=True)
# Seconds a preview address works.
PREVIEW_LIFETIME_SECONDS = env.int("PREVIEW_LIFETIME_SECONDS", default=3600)

# --- Logging ------------------------------------------------------------------------------

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
# Lines of the platform carry the request's id and the user (django-structlog binds them).
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(key_order=["event"]),
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {name: {"level": LOG_LEVEL} for name in ("sandbox", "courses", "classroom")}
    | {"django_structlog": {"level": "WARNING"}},
}
