#!/bin/sh
# Run every static check, also after one has failed, and name those that did.
# usage: scripts/run_checks.sh
set -u
cd "$(dirname "$0")/.." || exit 1

# The checks load the settings and must not depend on the keys and data of this machine.
DATA_DIR=$(mktemp -d)
trap 'rm -rf "$DATA_DIR"' EXIT
export DATA_DIR DEBUG=true PARLEY_ENV_FILE= DATABASE_URL= REDIS_URL=

python=.venv/bin/python
failed=

check() {
    name=$1
    shift
    echo "== $name"
    "$@" || failed="$failed, $name"
}

# spectacular prints the whole document; only its findings matter here.
check_openapi() {
    "$python" manage.py spectacular --validate --fail-on-warn --file "$DATA_DIR/openapi.yaml"
}

check "ruff check" "$python" -m ruff check .
check "ruff format" "$python" -m ruff format --check .
check "mypy" "$python" -m mypy
check "import-linter" "$python" -c "from importlinter.cli import lint_imports_command as c; c()"
check "djlint" "$python" -m djlint --lint --quiet .
# Django's own security checks, with what a production server must have set.
check_deployment() {
    DEBUG=false ALLOWED_HOSTS=parley.example \
        SECRET_KEY="$("$python" -c 'import secrets; print(secrets.token_urlsafe(64))')" \
        "$python" manage.py check --deploy --tag security --fail-level WARNING
}

check "migrations" "$python" manage.py makemigrations --check --dry-run
# Warnings say which keys are not set, which is right here.
check "django system check" "$python" manage.py check --fail-level ERROR
check "django deployment check" check_deployment
check "openapi" check_openapi
check "javascript" scripts/check_javascript.sh

if [ -n "$failed" ]; then
    echo "make check: failed: ${failed#, }" >&2
    exit 1
fi
echo "make check: all green"
