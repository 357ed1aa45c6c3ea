"""Django settings, every one from the environment through `config.env`.

Owns which parts are switched on. With nothing set a process refuses to start; `manage.py demo`
and DEBUG=true are the two ways to run without a secret key. `.env.example` lists every variable.
"""

from __future__ import annotations

import hmac
import os
import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config.content_policy import build_policy
from config.env import env, keep_secret_key
from config.files import build_storages, file_origins
from config.rest import API_PAGE_PREFIXES as API_PAGE_PREFIXES
from config.rest import API_PATH_PREFIXES as API_PATH_PREFIXES
from config.rest import CORS_ALLOW_HEADERS as CORS_ALLOW_HEADERS
from config.rest import CORS_EXPOSE_HEADERS as CORS_EXPOSE_HEADERS
from config.rest import REST_FRAMEWORK as REST_FRAMEWORK
from config.rest import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS
from core.logs import build_logging_config

BASE_DIR = Path(__file__).resolve().parent.parent

# The real environment wins over the file. An empty PARLEY_ENV_FILE reads no file (the tests).
_env_file = os.environ.get("PARLEY_ENV_FILE", ".env")
if _env_file:
    env.load_file(BASE_DIR / _env_file)

# --- what kind of process this is -----------------------------------------------------------
DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / "var"))).expanduser().resolve()
DEBUG = env.flag("DEBUG", False)
_demo_key_file = DATA_DIR / "secret-key"
# A management command beside a demo's data belongs to that demo; a server never decides so by
# itself, it is told by PARLEY_DEMO.
_is_command = Path(sys.argv[0]).name in ("manage.py", "manage")
DEMO = env.flag(
    "PARLEY_DEMO",
    _is_command and not DEBUG and not env.text("SECRET_KEY") and _demo_key_file.is_file(),
)
PRODUCTION = not (DEBUG or DEMO)
PORT = env.integer("PORT", 8000, minimum=1, maximum=65_535)

SECRET_KEY = env.text("SECRET_KEY")
if not SECRET_KEY:
    if PRODUCTION:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set: set it to a long random text, or set DEBUG=true on your own "
            "machine, or run 'python manage.py demo'."
        )
    SECRET_KEY = keep_secret_key(_demo_key_file)
SECRET_KEY_FALLBACKS = env.items("SECRET_KEY_FALLBACKS")

LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = env.items("ALLOWED_HOSTS")
if PRODUCTION and not ALLOWED_HOSTS:
    raise ImproperlyConfigured(
        "ALLOWED_HOSTS is not set: set it to the host names this server answers for, "
        "separated by commas."
    )
if DEMO:
    # The demo has known logins, so it answers on this machine and nowhere else.
    ALLOWED_HOSTS = LOOPBACK_HOSTS
elif DEBUG and not ALLOWED_HOSTS:
    ALLOWED_HOSTS = LOOPBACK_HOSTS
SITE_URL = env.url(
    "SITE_URL",
    f"https://{ALLOWED_HOSTS[0].lstrip('.')}" if PRODUCTION else f"http://127.0.0.1:{PORT}",
    schemes=("http", "https"),
)

# --- applications ---------------------------------------------------------------------------
PARLEY_APPS = [
    "core",
    "accounts",
    "webhooks",
    "agents.video",
    "sessions",
    "surveys",
    "workflows",
    "messaging",
]
# What `manage.py demo` fills after the survey company, lowest app first. Each is called with the
# company and a reporter of lines, and returns the entrances to print as (name, path).
DEMO_SEEDERS: tuple[str, ...] = (
    "webhooks.demo.prepare_demo",
    "surveys.demo.video.prepare_demo",
    "surveys.demo.chats.prepare_demo",
    "workflows.demo.prepare_demo",
    "messaging.demo.prepare_demo",
)
INSTALLED_APPS = [
    # First: its runserver must win over the one of staticfiles (daphne.E001).
    "daphne",
    "config.apps.ParleyAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "corsheaders",
    "csp",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    *PARLEY_APPS,
]
AUTH_USER_MODEL = "accounts.User"
# What migrations and start-up fill by themselves: a database with nothing else counts as empty.
SEEDED_TABLES = frozenset(
    {"accounts_market", "accounts_skilllevel", "workflows_workflow", "workflows_workflowversion"}
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"

MIDDLEWARE = [
    "core.middleware.RequestContextMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "core.middleware.BodyLimitMiddleware",
    "core.middleware.StorableAddressMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

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
                "accounts.context.navigation",
                "accounts.context.person",
            ],
        },
    }
]

# --- database -------------------------------------------------------------------------------
# DATABASE_DIRECT_URL goes past a pooler such as PgBouncer: LISTEN/NOTIFY and session state
# need a server connection of their own.
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.database(
        "DATABASE_URL",
        {"ENGINE": "django.db.backends.sqlite3", "NAME": str(DATA_DIR / "parley.sqlite3")},
    )
}
DATABASE_DIRECT_URL = env.text("DATABASE_DIRECT_URL")
_database_pool = {
    "min_size": env.integer("DATABASE_POOL_MIN", 2, minimum=0, maximum=500),
    "max_size": env.integer("DATABASE_POOL_MAX", 20, minimum=1, maximum=500),
    "timeout": env.seconds("DATABASE_POOL_TIMEOUT_SECONDS", 10),
}
_sqlite_timeout_seconds = env.integer("SQLITE_TIMEOUT_SECONDS", 20, minimum=1, maximum=600)
DATABASE_IS_SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")
if DATABASE_IS_SQLITE:
    Path(DATABASES["default"]["NAME"]).parent.mkdir(parents=True, exist_ok=True)
    DATABASES["default"]["OPTIONS"] = {
        # Without IMMEDIATE a transaction that reads before it writes fails under concurrency.
        "transaction_mode": "IMMEDIATE",
        "timeout": _sqlite_timeout_seconds,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"]["ENGINE"] = "core.postgresql"
    DATABASES["default"]["OPTIONS"] = {
        **DATABASES["default"].get("OPTIONS", {}),
        # Never CONN_MAX_AGE under ASGI: every request has a short-lived thread of its own.
        "pool": _database_pool,
    }
    if DATABASE_DIRECT_URL:
        DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True
        DATABASES["default"]["OPTIONS"]["prepare_threshold"] = None

# Background jobs: Procrastinate on PostgreSQL, a thread of the server process on SQLite.
PROCRASTINATE_ENABLED = not DATABASE_IS_SQLITE
if PROCRASTINATE_ENABLED:
    INSTALLED_APPS.insert(INSTALLED_APPS.index("core"), "procrastinate.contrib.django")
JOBS_MODE = env.choice("JOBS_MODE", "auto", ("auto", "inline"))

# --- cache, channel layer -------------------------------------------------------------------
REDIS_URL = env.url("REDIS_URL", "", schemes=("redis", "rediss", "unix"))
if REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": "parley",
        }
    }
    CHANNEL_LAYERS = {
        "default": {
            # The other Redis layer loses its groups silently when Redis is flushed.
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL], "prefix": "parley"},
        }
    }
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels.layers.InMemoryChannelLayer",
            # The default of 100 drops what a slow reader has not taken.
            "CONFIG": {"capacity": 5000},
        }
    }

# --- accounts -------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"
SIGN_UP_REDIRECT_URL = "workflow_onboarding"
PASSWORD_RESET_TIMEOUT = 3600
INVITATION_DAYS = env.integer("INVITATION_DAYS", 7, minimum=1, maximum=90)
ADMIN_REQUIRE_2FA = env.flag("ADMIN_REQUIRE_2FA", False)
OTP_TOTP_ISSUER = "Parley"

AXES_FAILURE_LIMIT = env.integer("LOGIN_FAILURE_LIMIT", 10, minimum=3, maximum=100)
AXES_COOLOFF_TIME = env.integer("LOGIN_COOLOFF_MINUTES", 15, minimum=1, maximum=1440) / 60
# One person at one address: a stranger cannot lock somebody else out from afar.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_USERNAME_CALLABLE = "core.lockout.login_name"
AXES_CLIENT_IP_CALLABLE = "core.lockout.login_ip"
AXES_LOCKOUT_CALLABLE = "core.lockout.answer_locked_out"

# --- text, time -----------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# --- static files, uploads ------------------------------------------------------------------
STATIC_URL = "/static/"
# Filled by `collectstatic`, in production only; elsewhere files are found where they lie.
STATIC_ROOT = Path(
    env.text("STATIC_ROOT", str((BASE_DIR if PRODUCTION else DATA_DIR) / "staticfiles"))
).expanduser()
if not PRODUCTION:
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = not PRODUCTION
# WhiteNoise remembers sizes: a file edited under a running demo would be announced with its old
# length, and the browser would wait for the rest of it.
WHITENOISE_AUTOREFRESH = not PRODUCTION
WHITENOISE_MAX_AGE = 60 if PRODUCTION else 0
MEDIA_ROOT = DATA_DIR / "media"
AWS_STORAGE_BUCKET_NAME = env.text("AWS_STORAGE_BUCKET_NAME")
# Left out, boto3 looks for credentials in its own ways (instance roles, profiles).
AWS_ACCESS_KEY_ID = env.text("AWS_ACCESS_KEY_ID") or None
AWS_SECRET_ACCESS_KEY = env.text("AWS_SECRET_ACCESS_KEY") or None
AWS_S3_ENDPOINT_URL = env.url("AWS_S3_ENDPOINT_URL", "", schemes=("http", "https")) or None
AWS_S3_REGION_NAME = env.text("AWS_S3_REGION_NAME") or None
AWS_S3_ADDRESSING_STYLE = env.choice("AWS_S3_ADDRESSING_STYLE", "auto", ("auto", "path", "virtual"))
AWS_QUERYSTRING_EXPIRE = env.integer("AWS_QUERYSTRING_EXPIRE", 900, minimum=60, maximum=604_800)
AWS_DEFAULT_ACL = None
AWS_S3_FILE_OVERWRITE = False
STORAGES = build_storages(
    bucket=AWS_STORAGE_BUCKET_NAME, media_root=MEDIA_ROOT, is_production=PRODUCTION
)

# --- limits on what comes in ----------------------------------------------------------------
MAX_BODY_BYTES = env.integer("MAX_BODY_BYTES", 3_000_000, minimum=10_000)
# Path prefix to bytes, for the few routes that take files.
BODY_LIMIT_OVERRIDES: dict[str, int] = {
    # A proof of 5 MiB and the fields around it.
    "/api/outcome": 5_242_880 + 65_536,
    "/outcome/": 5_242_880 + 65_536,
    "/result/": 5_242_880 + 65_536,
}
JSON_MAX_DEPTH = 32
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
TRUSTED_PROXY_COUNT = env.integer("TRUSTED_PROXY_COUNT", 0, maximum=10)

# --- security headers -----------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", PRODUCTION)
# Load balancers ask for health over plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^health(/|$)", r"^metrics$"]
SECURE_HSTS_SECONDS = env.integer("SECURE_HSTS_SECONDS", 31_536_000 if PRODUCTION else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.flag("SECURE_HSTS_INCLUDE_SUBDOMAINS", PRODUCTION)
SECURE_HSTS_PRELOAD = env.flag("SECURE_HSTS_PRELOAD", PRODUCTION)
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS")
CSRF_FAILURE_VIEW = "core.errors_http.csrf_failure"
PERMISSIONS_POLICY = "camera=(), geolocation=(), payment=(), usb=(), microphone=(self)"

CORS_ALLOWED_ORIGINS = env.origins("CORS_ALLOWED_ORIGINS")
CORS_ALLOW_CREDENTIALS = False
CORS_PREFLIGHT_MAX_AGE = 3600

# --- LiveKit --------------------------------------------------------------------------------
LIVEKIT_URL = env.url("LIVEKIT_URL", "", schemes=("ws", "wss", "http", "https"))
LIVEKIT_API_KEY = env.text("LIVEKIT_API_KEY")
LIVEKIT_API_SECRET = env.text("LIVEKIT_API_SECRET")
# Whether this process runs live agents; the others of a deployment only offer voice to people.
VOICE_IN_PROCESS = env.flag("VOICE_IN_PROCESS", DEMO)
VOICE_OFFERED = env.flag("VOICE_OFFERED", VOICE_IN_PROCESS)
VOICE_ENGINE = env.choice("VOICE_ENGINE", "auto", ("auto", "openai", "local", "none"))
VOICE_STT_MODEL = env.text("VOICE_STT_MODEL", "gpt-4o-mini-transcribe")
VOICE_STT_REALTIME = env.flag("VOICE_STT_REALTIME", False)
VOICE_TTS_MODEL = env.text("VOICE_TTS_MODEL", "gpt-4o-mini-tts")
VOICE_TTS_VOICE = env.text("VOICE_TTS_VOICE", "ash")
# Costs shown are estimates: by these prices, else by the table in agents/voice/prices.py.
VOICE_PRICES = env.prices("VOICE_PRICES", ("input", "output", "characters", "minute"))
VOICE_PRICES_SOURCE = env.text(
    "VOICE_PRICES_SOURCE", "approximate list prices of OpenAI, November 2026"
)
VOICE_TURN_DETECTOR = env.flag("VOICE_TURN_DETECTOR", False)
VOICE_RECORDING = env.flag("VOICE_RECORDING", True)
VOICE_MAX_AGENTS = env.integer("VOICE_MAX_AGENTS", 40, minimum=1, maximum=1000)
VOICE_MAX_AGENTS_PER_COMPANY = env.integer("VOICE_MAX_AGENTS_PER_COMPANY", 20, minimum=1)
CHAT_PUBLIC = env.flag("CHAT_PUBLIC", DEMO)
SYSTEM_PROMPT = env.text(
    "SYSTEM_PROMPT", "You are a friendly assistant in a spoken conversation. Answer briefly."
)

CONTENT_SECURITY_POLICY = build_policy(
    site_url=SITE_URL,
    livekit_url=LIVEKIT_URL,
    file_origins=file_origins(
        bucket=AWS_STORAGE_BUCKET_NAME, endpoint_url=AWS_S3_ENDPOINT_URL, region=AWS_S3_REGION_NAME
    ),
)

# --- language models ------------------------------------------------------------------------
OPENAI_API_KEY = env.text("OPENAI_API_KEY")
OPENAI_BASE_URL = env.url("OPENAI_BASE_URL", "", schemes=("http", "https"))
OPENAI_MODEL = env.text("OPENAI_MODEL", "gpt-4o-mini")
LLM_ENABLED = bool(OPENAI_API_KEY or OPENAI_BASE_URL)
LLM_TIMEOUT_SECONDS = env.seconds("LLM_TIMEOUT_SECONDS", 20, maximum=600)
LLM_MAX_ATTEMPTS = env.integer("LLM_MAX_ATTEMPTS", 3, minimum=1, maximum=10)
LLM_MAX_OUTPUT_TOKENS = env.integer("LLM_MAX_OUTPUT_TOKENS", 2000, minimum=100)
LLM_DAILY_CALLS_PER_COMPANY = env.integer("LLM_DAILY_CALLS_PER_COMPANY", 5000)

# --- money ----------------------------------------------------------------------------------
STRIPE_SECRET_KEY = env.text("STRIPE_SECRET_KEY")
STRIPE_WEBHOOK_SECRET = env.text("STRIPE_WEBHOOK_SECRET")
STRIPE_API_BASE = env.url("STRIPE_API_BASE", "https://api.stripe.com", schemes=("http", "https"))
STRIPE_TIMEOUT_SECONDS = env.seconds("STRIPE_TIMEOUT_SECONDS", 15, maximum=120)
PAYOUT_PROVIDER = env.choice("PAYOUT_PROVIDER", "local", ("local", "stripe"))
# How orders on WhatsApp are paid; the webhook of orders may have a secret of its own.
ORDER_PAYMENTS = env.choice("ORDER_PAYMENTS", "local", ("local", "stripe"))
STRIPE_ORDERS_WEBHOOK_SECRET = env.text("STRIPE_ORDERS_WEBHOOK_SECRET", STRIPE_WEBHOOK_SECRET)
# How plans are paid; the webhook of plans may have a secret of its own.
PLAN_PAYMENTS = env.choice("PLAN_PAYMENTS", "local", ("local", "stripe"))
STRIPE_PLANS_WEBHOOK_SECRET = env.text("STRIPE_PLANS_WEBHOOK_SECRET", STRIPE_WEBHOOK_SECRET)
# Automatic pay a company can hand out in one UTC day, in minor units; more is held.
DAILY_PAY_CAP_MINOR = env.integer("DAILY_PAY_CAP_MINOR", 500_000)

# --- surveys --------------------------------------------------------------------------------
SURVEY_START_SECONDS = env.seconds("SURVEY_START_SECONDS", 3, maximum=60)
SURVEY_COMPLETE_SECONDS = env.seconds("SURVEY_COMPLETE_SECONDS", 5, maximum=60)
SURVEY_FINAL_SEGMENT_SECONDS = env.seconds("SURVEY_FINAL_SEGMENT_SECONDS", 2, maximum=30)
SURVEY_TURN_SECONDS = env.seconds("SURVEY_TURN_SECONDS", 8, maximum=60)
SURVEY_RESERVATION_GRACE_MINUTES = env.integer("SURVEY_RESERVATION_GRACE_MINUTES", 15, minimum=1)
SURVEY_RESUME_HOURS = env.integer("SURVEY_RESUME_HOURS", 24, minimum=1, maximum=720)
CHAT_RETENTION_DAYS = env.integer("CHAT_RETENTION_DAYS", 365, minimum=1, maximum=3650)
SURVEY_RECEIPT_DAYS = env.integer("SURVEY_RECEIPT_DAYS", 90, minimum=1, maximum=3650)
SURVEY_HELD_AUTO_APPROVE_DAYS = env.integer("SURVEY_HELD_AUTO_APPROVE_DAYS", 21, minimum=1)
SURVEY_STARTS_PER_IP_HOUR = env.integer("SURVEY_STARTS_PER_IP_HOUR", 60, minimum=1)
SURVEY_STARTS_PER_SURVEY_MINUTE = env.integer("SURVEY_STARTS_PER_SURVEY_MINUTE", 120, minimum=1)
SURVEY_TURNS_PER_MINUTE = env.integer("SURVEY_TURNS_PER_MINUTE", 60, minimum=1)
SURVEY_MAX_TURN_CHARS = env.integer("SURVEY_MAX_TURN_CHARS", 4000, minimum=100, maximum=20_000)
SURVEY_MAX_TURNS = env.integer("SURVEY_MAX_TURNS", 400, minimum=10)
SESSION_SOCKETS_MAX = env.integer("SESSION_SOCKETS_MAX", 5, minimum=1)
WIDGET_CACHE_SECONDS = env.integer("WIDGET_CACHE_SECONDS", 300)

# --- video ----------------------------------------------------------------------------------
# The program, where it is not on PATH and imageio-ffmpeg is not wanted.
FFMPEG = env.text("FFMPEG")
VIDEO_VOICE = env.choice("VIDEO_VOICE", "auto", ("auto", "openai", "offline"))
VIDEO_FONT_DIR = env.text("VIDEO_FONT_DIR")

# --- workflows ------------------------------------------------------------------------------
# tcp://host:3310 of a ClamAV daemon; without one proofs are stored unscanned, and marked so.
PROOF_SCANNER_URL = env.url("PROOF_SCANNER_URL", "", schemes=("tcp",))

# --- webhooks to companies ------------------------------------------------------------------
WEBHOOK_TIMEOUT_SECONDS = env.seconds("WEBHOOK_TIMEOUT_SECONDS", 10, maximum=60)
WEBHOOK_PORTS = env.ports("WEBHOOK_PORTS", (443, 8443))
# For trying webhooks out: http:// to this machine's own loopback addresses, any port.
WEBHOOK_ALLOW_LOOPBACK = env.flag("WEBHOOK_ALLOW_LOOPBACK", False)
if WEBHOOK_ALLOW_LOOPBACK and PRODUCTION:
    raise ImproperlyConfigured("WEBHOOK_ALLOW_LOOPBACK is for DEBUG and the demo; unset it.")
WEBHOOK_RETRY_HOURS = env.integer("WEBHOOK_RETRY_HOURS", 72, minimum=1, maximum=720)
WEBHOOK_STOP_HOURS = env.integer("WEBHOOK_STOP_HOURS", 48, minimum=1, maximum=720)
WEBHOOK_RETENTION_DAYS = env.integer("WEBHOOK_RETENTION_DAYS", 30, minimum=1, maximum=3650)

# --- e-mail ---------------------------------------------------------------------------------
EMAIL_HOST = env.text("EMAIL_HOST")
EMAIL_PORT = env.integer("EMAIL_PORT", 587, minimum=1, maximum=65_535)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
# Port 465 speaks TLS from the first byte (SSL), port 587 after STARTTLS.
EMAIL_USE_SSL = env.flag("EMAIL_USE_SSL", False)
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", not EMAIL_USE_SSL)
EMAIL_TIMEOUT = env.integer("EMAIL_TIMEOUT", 10, minimum=1, maximum=120)
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "Parley <parley@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
if EMAIL_HOST:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = DATA_DIR / "mail"

# --- watching -------------------------------------------------------------------------------
METRICS_TOKEN = env.text("METRICS_TOKEN")
LOG_LEVEL = env.choice("LOG_LEVEL", "info", ("debug", "info", "warning", "error"))
LOG_FILE = DATA_DIR / "log" / "parley.log"
SECURITY_CONTACT = env.text("SECURITY_CONTACT")


# --- REST -----------------------------------------------------------------------------------
ASYNCAPI_FILE = BASE_DIR / "docs" / "asyncapi.yaml"
REST_FRAMEWORK["NUM_PROXIES"] = TRUSTED_PROXY_COUNT

# A command's own output stays clean: `create_api_key` prints a key and nothing else.
LOG_STREAM = env.choice(
    "LOG_STREAM",
    "stderr" if _is_command and sys.argv[1:2] not in (["demo"], ["runserver"]) else "stdout",
    ("stdout", "stderr", "none"),
)
# The demo's addresses and key must not scroll away; its log is a file.
_is_terse = sys.argv[1:2] == ["demo"] and not env.text("LOG_STREAM")
LOGGING = build_logging_config(
    level=LOG_LEVEL, file=None if PRODUCTION else LOG_FILE, stream=LOG_STREAM, terse=_is_terse
)

# --- WhatsApp -------------------------------------------------------------------------------
# The simulator needs no account; "cloud" talks to Meta.
WHATSAPP_BACKEND = env.choice("WHATSAPP_BACKEND", "simulator", ("simulator", "cloud"))
WHATSAPP_BASE_URL = env.url(
    "WHATSAPP_BASE_URL", "https://graph.facebook.com/v26.0", schemes=("https", "http")
)
WHATSAPP_TOKEN = env.text("WHATSAPP_TOKEN")
# Numbers of other accounts: phone_number_id=token, separated by commas. Never in a row.
WHATSAPP_TOKENS = dict(pair.split("=", 1) for pair in env.items("WHATSAPP_TOKENS") if "=" in pair)
WHATSAPP_PHONE_NUMBER_ID = env.text("WHATSAPP_PHONE_NUMBER_ID")
WHATSAPP_BUSINESS_ACCOUNT_ID = env.text("WHATSAPP_BUSINESS_ACCOUNT_ID")
WHATSAPP_APP_SECRET = env.text("WHATSAPP_APP_SECRET")
WHATSAPP_VERIFY_TOKEN = env.text("WHATSAPP_VERIFY_TOKEN")
if WHATSAPP_BACKEND == "cloud" and not WHATSAPP_APP_SECRET:
    raise ImproperlyConfigured(
        "WHATSAPP_BACKEND=cloud needs WHATSAPP_APP_SECRET: without it anybody could write in "
        "anybody's name. Take it from the app's page at Meta."
    )
# The simulator signs its bodies too, with a secret of this installation where none is set.
WHATSAPP_SIGNING_SECRET = (
    WHATSAPP_APP_SECRET or hmac.new(SECRET_KEY.encode(), b"whatsapp", "sha256").hexdigest()
)
