#!/usr/bin/env bash
# Finds or installs what the end-to-end tests need beside Go: PostgreSQL,
# Redis and a Python environment with NetBox, the plugin and the fake Proxmox.
# What it found goes to stdout as NAME=VALUE lines, the rest to stderr.
#
#   test/setup.sh                  NetBox's environment
#   test/setup.sh python-service   the environment of the Python proxbox-api too
#   test/setup.sh schemathesis     schemathesis too
#
# The environments are kept in $PROXBOX_TEST_CACHE, else
# ${XDG_CACHE_HOME:-~/.cache}/proxbox-api, one for each requirements file.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${PROXBOX_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/proxbox-api}
say() { printf 'setup: %s\n' "$*" >&2; }
die() {
    say "$*"
    exit 1
}

# postgres_bin prints the directory with PostgreSQL's programs, 14 or newer.
postgres_bin() {
    local dir version
    for dir in \
        "$(pg_config --bindir 2>/dev/null || true)" \
        $(printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin /usr/local/opt/postgresql@*/bin | sort -rV) \
        "$(dirname "$(command -v postgres || echo /nowhere/postgres)")"; do
        [[ -x $dir/initdb && -x $dir/postgres && -x $dir/pg_restore && -x $dir/pg_dump && -x $dir/psql ]] || continue
        version=$("$dir/postgres" --version | sed -E 's/.* ([0-9]+).*/\1/')
        if ((version >= 14)); then
            printf '%s\n' "$dir"
            return 0
        fi
    done
    return 1
}

redis_server() { command -v redis-server || command -v valkey-server; }

# libpq_headers says whether psycopg can be compiled: NetBox asks for its C
# flavour, which comes as source.
libpq_headers() { [[ -e $(pg_config --includedir 2>/dev/null)/libpq-fe.h ]] && command -v cc >/dev/null; }

# python prints a Python of 3.12 or newer that can make environments.
python() {
    local candidate
    for candidate in python3.13 python3.12 python3 \
        $(printf '%s\n' "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[2-9]*/bin/python3 | sort -rV); do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return 0
        fi
    done
    return 1
}

# install WHAT adds the Debian packages that hold it and its like, or says in
# one sentence what to add.
install() {
    if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
        die "the end-to-end tests need $1: install it (Debian: apt-get install postgresql redis-server libpq-dev gcc libc6-dev) and run this again."
    fi
    say "installing $1 with apt-get"
    export DEBIAN_FRONTEND=noninteractive
    {
        apt-get update
        apt-get install -y --no-install-recommends postgresql redis-server libpq-dev gcc libc6-dev
    } >&2
}

# environment NAME REQUIREMENTS prints the directory of the Python environment
# that holds these requirements, and makes it first if need be.
environment() {
    local name=$1 requirements=$2 interpreter key dir
    interpreter=$(python) ||
        die "NetBox needs Python 3.12 or newer with its venv module, and none of python3.13, python3.12, python3 and pyenv's is: install python3.12 and python3.12-venv (or: pyenv install 3.13)."
    key=$({
        "$interpreter" -c 'import sys; print(sys.version, sys.executable)'
        cat "$requirements" "${requirements%.txt}.lock"
    } | sha256sum | cut -c1-12)
    dir=$cache/$name-$key
    mkdir -p "$cache"
    (
        # Two runs at the same time make it once.
        if command -v flock >/dev/null; then flock 9; fi
        if [[ ! -e $dir/complete ]]; then
            if ! libpq_headers; then
                install "the headers of libpq and a C compiler"
            fi
            say "making $dir with $interpreter (a minute or two, once)"
            rm -rf "$dir"
            "$interpreter" -m venv "$dir"
            "$dir/bin/python" -m pip install --quiet --disable-pip-version-check \
                --requirement "$requirements" >&2
            touch "$dir/complete"
        fi
    ) 9>"$dir.lock"
    printf '%s\n' "$dir"
}

postgres_bin >/dev/null || install "PostgreSQL 14 or newer"
redis_server >/dev/null || install "Redis"

# Assigned first: a failure inside an echo would be lost.
postgres=$(postgres_bin) || die "PostgreSQL 14 or newer is still missing after the installation."
redis=$(redis_server) || die "Redis is still missing after the installation."
netbox=$(environment netbox "$here/requirements.txt")
printf 'POSTGRES_BIN=%s\nREDIS_SERVER=%s\nNETBOX_VENV=%s\n' "$postgres" "$redis" "$netbox"
case ${1:-} in
python-service)
    service=$(environment python-service "$here/python-service.txt")
    printf 'SERVICE_VENV=%s\n' "$service"
    ;;
schemathesis)
    schemathesis=$(environment schemathesis "$here/schemathesis.txt")
    printf 'SCHEMATHESIS_VENV=%s\n' "$schemathesis"
    ;;
esac
