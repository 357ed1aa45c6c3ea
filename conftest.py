"""The world of every test: its environment, and the four people in it.

The environment is set before anything loads the settings, which is why pytest.ini names no
DJANGO_SETTINGS_MODULE: pytest-django would load them before it reads this file.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import django

TEST_ENVIRONMENT = {
    # No .env: a test must not depend on the keys of the machine it runs on.
    "PARLEY_ENV_FILE": "",
    "DEBUG": "false",
    "SECRET_KEY": "a-secret-key-that-only-tests-know-0123456789-abcdefghij",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "SITE_URL": "http://testserver",
    "SECURE_SSL_REDIRECT": "false",
    "DATA_DIR": str(Path(tempfile.mkdtemp(prefix="parley-tests-"))),
    "DJANGO_SETTINGS_MODULE": "config.settings",
}
# What would reach outside. DATABASE_URL and REDIS_URL stay: `make test-services` sets them.
KEYS_OF_SERVICES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "STRIPE_SECRET_KEY", "LIVEKIT_URL")

os.environ.update(TEST_ENVIRONMENT)
for name in KEYS_OF_SERVICES:
    os.environ.pop(name, None)
django.setup()
