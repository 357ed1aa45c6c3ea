#!/usr/bin/env bash
# The suite on PostgreSQL, Redis, LiveKit and Swift, which it starts and stops; then the slow tests
# that need none of them, and the voice rooms in Chromium. All parts run, also after one has failed.
# Arguments go to pytest; WORKERS is how many processes share the tests.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

PY=.venv/bin/python
# Each process has a database and a Redis of its own (conftest.py).
SHARED=(-q -n "${WORKERS:-logical}" --maxprocesses 4 --dist worksteal)
# What knows no row and no service is the same on all of them, and takes minutes.
NO_SERVICE=(--ignore=agents/voice/tests --ignore-glob='agents/video/tests/test_pipeline_*'
    --ignore=agents/interview --ignore=tests/architecture)
NOTHING_TO_RUN=5
failed=()

# Runs one part; under --last-failed there may be nothing left of it.
part() {
    local name=$1 status=0
    shift
    "$@" || status=$?
    [[ $status -eq 0 || $status -eq $NOTHING_TO_RUN ]] || failed+=("$name")
}

part "on services" env FUZZ_EXAMPLES=2 $PY -m scripts.services run -- \
    $PY -m pytest "${SHARED[@]}" -m "not browser" "${NO_SERVICE[@]}" "$@"
part "slow" env DATABASE_URL= REDIS_URL= \
    $PY -m pytest "${SHARED[@]}" -m "slow and not browser and not services" \
    agents/voice/tests agents/video/tests tests/architecture "$@"
CHROMIUM="$(scripts/find_chromium.sh)" || exit 1
export CHROMIUM
part "rooms in Chromium" $PY -m scripts.services run -- env DATABASE_URL= REDIS_URL= \
    $PY -m pytest -m browser tests/browser/test_voice_rooms.py "$@"

echo "Not run again here: the quick tests of speech and pictures without a row (make test runs them)."
[[ ${#failed[@]} -eq 0 ]] || { printf 'FAILED: %s\n' "${failed[@]}"; exit 1; }
