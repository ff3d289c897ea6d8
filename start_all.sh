#!/usr/bin/env bash
# Sets up what is missing, then serves, or demonstrates a call. `./start_all.sh help` says more.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

readonly VENV_PYTHON=.venv/bin/python
readonly SERVER=("$VENV_PYTHON" -m gunicorn -c server/gunicorn_conf.py 'server.app:create_app()')
readonly DEMO_DIR=out DEMO_LOG=out/demo_server.log
readonly DEMO_BOOT_S=60 DEMO_STOP_S=10
export PYTHONUTF8=1 PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# Threads that come and go leave heaps behind, one each: two are enough, and the memory stays flat.
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}"

usage() {
    cat <<'HELP'
usage: ./start_all.sh                    set up what is missing, then serve on PORT (5000)
       ./start_all.sh demo [OPTION …]    serve on a free port, place a simulated call, print its dialogue,
                                         write out/demo_call.wav; `demo --help` lists the options
       ./start_all.sh check [--leads]    try every configured provider once and print what works, how fast, and
                                         what to do about the rest; exit status 1: no call can be held.
                                         --leads: also the CRM (a signed test) and the mail server
       ./start_all.sh hear [--fast] FOLDER
                                         let every configured STT hear the WAV files of a folder and print what it
                                         heard, how much of it is wrong (against a .txt beside each) and how soon
       ./start_all.sh leads [--csv] [FILE]  |  leads --undelivered  |  leads --retry
                                         what callers have left, a row a call, from LEADS_FILE or FILE (leads, or a
                                         server's log); `leads --csv >leads.csv` is for Excel; what has not
                                         arrived at the CRM or by e-mail, and send it again
       ./start_all.sh forget [--export FILE] [--yes] NUMBER
                                         delete all that is kept of a caller, and say what it was; asks first
       ./start_all.sh calls [--bad] [--day 2026-11-29 | --days N] [--json]
                                         what calls there were, a row each: today's, or those of a day, or of the
                                         last N days; --bad: those that somebody should look at, and why
       ./start_all.sh call SID [--json | --html FILE]
                                         what happened on a call, turn by turn, and why; SID: its beginning is enough;
                                         --html: its picture, as one file to send
       ./start_all.sh password           ask for a password for the pages in the browser, print the line for .env
       ./start_all.sh setup [FILE …]     set up only; FILE: further requirements, locked like requirements.txt
       ./start_all.sh lock [OPTION …]    for developers: write what the *.in files ask for, with all that it draws
                                         in and the hashes, to the requirements; options go to `uv pip compile`
       ./start_all.sh help

PYTHON=python3.13 chooses the interpreter (3.11 to 3.13). Settings come from the environment and from .env,
see .env.example.
HELP
}

fail() {
    printf 'start_all.sh: %s\n' "$*" >&2
    exit 1
}

# ---- the interpreter and its environment ----

suits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

find_python() {
    local candidate candidates=(python3 python3.13 python3.12 python3.11)
    [ -z "${PYTHON:-}" ] || candidates=("$PYTHON")
    for candidate in "${candidates[@]}"; do
        if suits "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    fail "needs Python 3.11, 3.12 or 3.13, and ${PYTHON:-python3} is none of them;" \
        "choose one with PYTHON=/path/to/python"
}

version_of() {
    "$1" -c 'import sys; print(*sys.version_info[:2], sep=".")' 2>/dev/null
}

make_venv() {
    local python
    python=$(find_python)
    [ "$(version_of "$VENV_PYTHON" || true)" = "$(version_of "$python")" ] && return
    [ ! -L .venv ] || [ -e .venv ] ||
        fail ".venv is a link to $(readlink .venv), and nothing is there: remove the link, or put it right"
    [ ! -L .venv ] || fail ".venv is a link to an environment of another Python: remove the link or set PYTHON"
    [ ! -e .venv ] || [ -w .venv ] || fail ".venv is $(stat -c %U .venv)'s, and its Python is not Python" \
        "$(version_of "$python"), or not for $(id -un) to run: remove it, and run ./start_all.sh setup as $(id -un)"
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python has no venv module (on Debian and Ubuntu: apt install python$(version_of "$python")-venv)"
    printf 'Making .venv with Python %s …\n' "$(version_of "$python")"
    "$python" -m venv --clear .venv || fail "could not make .venv"
}

# What cannot be checked against a hash, or would run a stranger's build, is not installed. docopt has no wheel:
# the setuptools of requirements-build.txt builds it. The lock is complete, so nothing is resolved: a pip before 23.3
# resolves a name with an extra (`google-api-core[grpc]`) to its newest release, whatever the lock says.
readonly PIP_INSTALL=("$VENV_PYTHON" -m pip install --quiet --quiet --no-deps --require-hashes --only-binary :all:
    --no-binary docopt --use-pep517 --no-build-isolation)

# Installs a locked requirements file unless this very content of it is installed already.
install() {
    local stamp hash
    stamp=".venv/installed-${1//\//-}"
    hash=$("$VENV_PYTHON" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$1")
    [ "$(cat "$stamp" 2>/dev/null || true)" = "$hash" ] && return
    printf 'Installing %s …\n' "$1"
    "${PIP_INSTALL[@]}" -r "$1" || fail "$(why_not "$1")"
    printf '%s\n' "$hash" >"$stamp"
}

why_not() {
    printf '%s\n' "could not install $1 (see above)." \
        "A version that is not found has no wheel for Python $(version_of "$VENV_PYTHON") on $(platform); Linux on" \
        "x86-64 has all of them. Another Python (PYTHON=python3.13) may do, or compilers and a build from source:" \
        "  $VENV_PYTHON -m pip install --require-hashes -r $1" \
        "A hash that differs means that the file is not the one that was locked: do not install it."
}

platform() {
    "$VENV_PYTHON" -c 'import sysconfig; print(sysconfig.get_platform())'
}

set_up() {
    make_venv
    local file
    for file in requirements-build.txt requirements.txt "$@"; do
        install "$file"
    done
}

# What the written files hold stays as it is where it still fits: `lock --upgrade` moves all that is drawn in.
lock() {
    set_up tests/requirements.txt # uv is one of them
    compile requirements-build "$@"
    compile requirements "$@"
    compile tests/requirements --constraints requirements.txt "$@"
    set_up tests/requirements.txt
}

# uv asks the public index, or the one that UV_DEFAULT_INDEX names; it does not read pip's configuration.
compile() {
    local name=$1
    shift
    "$VENV_PYTHON" -m uv pip compile --quiet --python "$VENV_PYTHON" --universal --python-version 3.11 \
        --no-build-isolation --generate-hashes --custom-compile-command './start_all.sh lock' \
        --output-file "$name.txt" "$@" "$name.in" || fail "could not lock $name.in (see above)"
}

# From here on no file is others' to read: logs, recordings and leads hold callers' words.
export_knobs() {
    local knobs
    umask 077
    knobs=$("$VENV_PYTHON" -m server.config export) || exit 1 # it has said which settings are bad
    eval "$knobs"
}

# ---- the demonstration ----

server_pid=

stop_server() {
    [ -n "$server_pid" ] || return 0
    kill "$server_pid" 2>/dev/null || true
    local deadline=$((SECONDS + DEMO_STOP_S))
    while kill -0 "$server_pid" 2>/dev/null && [ "$SECONDS" -lt "$deadline" ]; do
        sleep 0.1
    done
    kill -KILL "$server_pid" 2>/dev/null || true
    wait "$server_pid" 2>/dev/null || true
    server_pid=
}

free_port() {
    "$VENV_PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Any answer will do: with a provider that fails the server answers 503, and the call shows what callers hear then.
serves() {
    "$VENV_PYTHON" -c 'import sys, requests; session = requests.Session(); session.trust_env = False
session.get(sys.argv[1] + "/healthz", timeout=2)' "$1" 2>/dev/null
}

wait_until_it_serves() {
    local deadline=$((SECONDS + DEMO_BOOT_S))
    until serves "$1"; do
        kill -0 "$server_pid" 2>/dev/null || demo_failed "the server ended"
        [ "$SECONDS" -lt "$deadline" ] || demo_failed "the server did not answer within $DEMO_BOOT_S s"
        sleep 0.2
    done
}

demo_failed() {
    printf '\n---- the end of %s ----\n' "$DEMO_LOG" >&2
    grep -v WS_MEDIA "$DEMO_LOG" | tail -n 40 >&2
    fail "$1"
}

# Wrong options, and --help, are answered before a server is started.
check_options() {
    local said
    mkdir -p "$DEMO_DIR"
    chmod 700 "$DEMO_DIR" # it may be there already, with files that others can read
    said=$("$VENV_PYTHON" -m server.simulator --demo "$DEMO_DIR" --check-only "$@") || exit $?
    if [ -n "$said" ]; then
        printf '%s\n' "$said"
        exit 0
    fi
}

demo() {
    check_options "$@"
    # The call stays in this machine: whatever the world calls this server does not matter here.
    # The dialogue is read from the log.
    local elsewhere=${DATABASE_URL:+'DATABASE_URL= '} # who reads the demo's records must not be led to those
    export BIND_HOST=127.0.0.1 PORT PUBLIC_BASE_URL='' PUBLIC_HOST='' LOG_LEVEL=INFO LOG_TRANSCRIPTS=full
    export LEADS_FILE=out/demo_leads.jsonl RECORDS_FILE=out/demo_records.db DATABASE_URL=''
    export LEADS_WEBHOOK_URL='' LEADS_EMAIL_TO='' OTEL_EXPORTER_OTLP_ENDPOINT='' # nobody said that
    PORT=$(free_port)
    local url="http://127.0.0.1:$PORT" status=0
    : >"$DEMO_LOG"
    trap stop_server EXIT
    trap 'exit 130' INT TERM
    printf 'Starting the server (log: %s) …\n' "$DEMO_LOG"
    "${SERVER[@]}" >"$DEMO_LOG" 2>&1 &
    server_pid=$!
    wait_until_it_serves "$url"
    grep -m 1 '^engines:' "$DEMO_LOG" || true
    printf 'Calling …\n\n'
    "$VENV_PYTHON" -m server.simulator --demo "$DEMO_DIR" --url "$url" "$@" || status=$?
    [ "$status" -ne 130 ] || exit 130
    [ "$status" -eq 0 ] || demo_failed "the call failed: FAILED, above the log, says why"
    if [ -s "$LEADS_FILE" ]; then
        printf 'What it has left: ./start_all.sh leads %s\n' "$LEADS_FILE"
    fi
    if [ -s "$RECORDS_FILE" ]; then
        printf 'What happened on it, and why: %sRECORDS_FILE=%s ./start_all.sh calls\n' "$elsewhere" "$RECORDS_FILE"
    fi
}

main() {
    case "${1:-serve}" in
    serve)
        set_up
        export_knobs
        exec "${SERVER[@]}"
        ;;
    demo)
        shift
        set_up
        export_knobs
        demo "$@"
        ;;
    check)
        shift
        set_up
        export_knobs
        exec "$VENV_PYTHON" -m server.check "$@"
        ;;
    hear)
        shift
        set_up
        export_knobs
        exec "$VENV_PYTHON" -m server.hear "$@"
        ;;
    leads)
        shift
        set_up >&2 # what is printed is the leads
        export_knobs
        exec "$VENV_PYTHON" -m server.delivery.command "$@"
        ;;
    forget)
        shift
        set_up
        export_knobs
        exec "$VENV_PYTHON" -m server.records.forget "$@"
        ;;
    calls)
        set_up >&2 # what is printed is the calls
        export_knobs
        exec "$VENV_PYTHON" -m server.records "$@"
        ;;
    call)
        set_up >&2
        export_knobs
        exec "$VENV_PYTHON" -m server.records "$@"
        ;;
    password)
        set_up >&2 # what is printed is the line for .env
        exec "$VENV_PYTHON" -m server.pages.password
        ;;
    setup)
        shift
        set_up "$@"
        ;;
    lock)
        shift
        lock "$@"
        ;;
    help | -h | --help) usage ;;
    *)
        printf 'start_all.sh: there is no command %q\n' "$1" >&2
        usage >&2
        exit 2
        ;;
    esac
}

main "$@"
