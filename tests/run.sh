#!/usr/bin/env bash
# The gate: sets up .venv (PYTHON chooses the interpreter), then format, lint, types, audit, tests; stops at the
# first that fails. ``quick`` is the inner gate: no audit, and no test that starts processes or takes long.
# Further arguments go to pytest. Tests that start servers come last, four at a time on two cores: they wait for
# speech at real pace, and each has a server that wants a core too. A file stays with one worker, for the servers
# it starts. What fails beside others is asked once more, alone, and that is said.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

readonly STEP_LIMIT_S=1500 # no step may hang a build
readonly PY=.venv/bin/python
export PYTHONUTF8=1

# One line when a step passes, all it said when it fails.
step() {
    local name=$1 started=$SECONDS status=0 said last
    shift
    said=$("$PY" -c 'import subprocess, sys
try:
    sys.exit(subprocess.run(sys.argv[2:], timeout=float(sys.argv[1])).returncode)
except subprocess.TimeoutExpired:
    sys.exit(f"not done after {sys.argv[1]} s")' "$STEP_LIMIT_S" "$@" 2>&1) || status=$?
    [ -z "$chosen" ] || [ "$status" -ne 5 ] || status=0 # pytest: none of the chosen tests is of this step
    if [ "$status" -ne 0 ]; then
        printf '%s\nFAIL %s (%d s)\n' "$said" "$name" $((SECONDS - started))
        exit 1
    fi
    last=$(tail -n 1 <<<"$said")
    [[ $last != "all passed, but alone only"* ]] || printf '%s\n' "$said"
    printf 'ok   %s (%d s)%s\n' "$name" $((SECONDS - started)) "${last:+: $last}"
}

quick=
if [ "${1:-}" = quick ]; then
    quick=1
    shift
fi

readonly quick chosen=$*

./start_all.sh setup tests/requirements.txt
step format "$PY" -m ruff format --check .
step lint "$PY" -m ruff check .
step types "$PY" -m mypy --strict
step tests "$PY" -m tests.once_more -n 2 --dist loadfile --no-loadscope-reorder -m "not servers" "$@"
[ -z "$quick" ] || exit 0
step audit "$PY" -m tests.audit
step servers "$PY" -m tests.once_more -n 4 --dist loadfile --no-loadscope-reorder -m servers "$@"
