"""What every process shares. Each process has its own module beside this one."""

from __future__ import annotations

from pathlib import Path

from portal.settings import environment as env

BASE_DIR = Path(__file__).resolve().parent.parent.parent
STATE_DIR = Path(env.text("KATAL_STATE_DIR", str(BASE_DIR / "var")))

DEBUG = env.flag("KATAL_DEBUG", False)
# `make run` keeps a key of its own, so that commands work beside it without further settings.
SECRET_KEY = env.text("KATAL_SECRET_KEY", env.kept(STATE_DIR / "secret_key"))
ALLOWED_HOSTS = env.words("KATAL_HOSTS", "localhost,127.0.0.1,[::1]")

INSTALLED_APPS = [
    "tenants",
    "plans",
    "fabric.vault",
    "fabric",
    "fabric.vmm",
    "fabric.spf",
    "portal",
    "portal.api",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "rest_framework",
    "django_htmx",
]

AUTH_USER_MODEL = "tenants.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DATABASES = {
    "default": env.database(
        env.text("DATABASE_URL", f"postgresql://katal@/katal?host={STATE_DIR / 'run'}")
    )
}

REDIS_URL = env.text("REDIS_URL", f"unix://{STATE_DIR / 'run' / 'valkey.sock'}")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": env.cache(REDIS_URL),
        "KEY_PREFIX": "katal",
        "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 5},
    }
}

CELERY_BROKER_URL = env.broker(REDIS_URL)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 2, "visibility_timeout": 3600}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "portal"
# With Redis 0 comes first: what begins something new is taken after what goes on.
CELERY_TASK_ROUTES = {
    "fabric.tasks.begin": {"queue": "portal", "priority": 9},
    "fabric.vmm.tasks.begin": {"queue": "vmm", "priority": 9},
    "fabric.vmm.tasks.*": {"queue": "vmm"},
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 8
CELERY_DB_REUSE_MAX = 10_000
CELERY_BEAT_SCHEDULE = {
    "portal-sweep": {"task": "fabric.tasks.sweep", "schedule": 2.0},
    "portal-tell": {"task": "portal.tasks.tell", "schedule": 15.0},
    "portal-forget-notices": {"task": "portal.tasks.forget_notices", "schedule": 86_400.0},
    "portal-sync": {"task": "fabric.tasks.sync", "schedule": 15.0},
    "portal-tick": {"task": "fabric.tasks.tick", "schedule": 20.0},
    "portal-leases": {"task": "fabric.tasks.leases", "schedule": 60.0},
    "portal-settle": {"task": "fabric.tasks.settle", "schedule": 30.0},
    "vmm-sweep": {"task": "fabric.vmm.tasks.sweep", "schedule": 2.0},
    "vmm-sample": {"task": "fabric.vmm.tasks.sample", "schedule": 20.0},
    "vmm-compare": {"task": "fabric.vmm.tasks.compare", "schedule": 300.0},
    "vmm-meter": {"task": "fabric.vmm.tasks.meter", "schedule": 60.0},
    "portal-forget-forms": {"task": "portal.tasks.forget_forms", "schedule": 3600.0},
}

# Sites
HTTPS = env.flag("KATAL_HTTPS", True)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
if env.flag("KATAL_BEHIND_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    # Else people share the proxy's address, and a stranger's wrong passwords keep all of them out.
    ALLAUTH_TRUSTED_PROXY_COUNT = 1
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 60 * 60 * 12
CSRF_FAILURE_VIEW = "portal.faults.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000  # machines ticked one by one
SECURE_CSP = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
    "base-uri": ["'none'"],
    "manifest-src": ["'self'"],
}

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.live.pulse.PulseMiddleware",
    "portal.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.middleware.ViewerLanguageMiddleware",
    "portal.middleware.ViewerTimeZoneMiddleware",
    "portal.second_factor.SecondFactorMiddleware",
    "portal.middleware.LastSeenMiddleware",
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
                "portal.frame.context",
            ],
        },
    }
]

AUTHENTICATION_BACKENDS = ["portal.accounts.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
ACCOUNT_ADAPTER = "portal.accounts.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
# No box to tick: a session lasts SESSION_COOKIE_AGE.
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
# Whoever resets a password by mail still needs the second factor.
ACCOUNT_LOGIN_ON_PASSWORD_RESET = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
MFA_ADAPTER = "portal.second_factor.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "portal.account_forms.AuthenticateForm",
    "reauthenticate": "portal.account_forms.ReauthenticateForm",
    "activate_totp": "portal.account_forms.ActivateTOTPForm",
    "add_webauthn": "portal.account_forms.AddPasskeyForm",
    "edit_webauthn": "portal.account_forms.EditPasskeyForm",
    "authenticate_webauthn": "portal.account_forms.AuthenticatePasskeyForm",
    "login_webauthn": "portal.account_forms.LoginPasskeyForm",
    "reauthenticate_webauthn": "portal.account_forms.ReauthenticatePasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
# Clocks of telephones are a little off.
MFA_TOTP_TOLERANCE = 1
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"

MAIL_DIR = env.text("KATAL_MAIL_DIR", "")
if MAIL_DIR:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = MAIL_DIR
else:
    EMAIL_HOST = env.text("KATAL_SMTP_HOST", "localhost")
    EMAIL_PORT = int(env.number("KATAL_SMTP_PORT", 25))
    EMAIL_HOST_USER = env.text("KATAL_SMTP_USER", "")
    EMAIL_HOST_PASSWORD = env.text("KATAL_SMTP_PASSWORD", "")
    EMAIL_USE_TLS = env.flag("KATAL_SMTP_TLS", False)
    EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("KATAL_MAIL_FROM", "Katal <katal@localhost>")

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("nl", "Nederlands"), ("de", "Deutsch")]
TIME_ZONE = "UTC"
USE_TZ = True
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]

STATIC_URL = "/static/"
STATIC_ROOT = STATE_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_MAX_AGE = 31_536_000

# Where people find the two sites; mails and cross-site links are built from these.
ADMIN_SITE_URL = env.text("KATAL_ADMIN_URL", "http://localhost:30091")
SPF_URL = f"https://localhost:{env.text('KATAL_SPF_PORT', '8090')}"
TENANT_SITE_URL = env.text("KATAL_TENANT_URL", "http://localhost:30081")

# The configuration store: the key unwrapped by the passphrase is kept in this file, mode 0600.
VAULT_KEY_FILE = Path(env.text("KATAL_VAULT_KEY_FILE", str(STATE_DIR / "vault.key")))
VAULT_PASSPHRASE = env.text("KATAL_PASSPHRASE", "")

# Long work
JOB_LEASE_SECONDS = env.number("KATAL_JOB_LEASE", 120)
JOB_NUDGE_GRACE_SECONDS = env.number("KATAL_JOB_NUDGE_GRACE", 10)
JOB_PROBE = ""
SPF_TIMEOUT_SECONDS = env.number("KATAL_SPF_TIMEOUT", 20)
USAGE_RETENTION_DAYS = env.number("KATAL_USAGE_DAYS", 100)
SIMULATED_RACK = Path(env.text("KATAL_SIM_RACK", str(STATE_DIR / "rack.sqlite3")))
SIMULATED_SCALE = env.number("KATAL_SIM_SCALE", 1.0)

# Pages hear of changes from the database; without it they ask every three seconds.
LIVE_LISTEN = True

# The tenants' REST interface; its endpoints say the rest themselves (portal/api/frame).
REST_FRAMEWORK = {
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
API_READS_PER_MINUTE = int(env.number("KATAL_API_READS", 600))
API_CHANGES_PER_MINUTE = int(env.number("KATAL_API_CHANGES", 120))
# From one address, as allauth's ACCOUNT_RATE_LIMITS count wrong passwords.
API_WRONG_KEYS_PER_MINUTE = int(env.number("KATAL_API_WRONG_KEYS", 20))
# Of the threads of a process (see the Procfile) so many may wait on a client's behalf.
API_WAITERS = int(env.number("KATAL_API_WAITERS", 2))

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.text("KATAL_LOG_LEVEL", "INFO")},
    "loggers": {
        "django.server": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        "django.request": {"level": "ERROR"},  # a 404 is no news; our own faults are logged
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
    },
}
