#!/bin/sh
# Makes .venv from the lock, puts our own packages into it as they are, and sees that nginx is there.
# Usage: [PYTHON=python3.12] sh dev/install.sh PACKAGE-FOLDER...
set -eu

say() { printf '%s\n' "$*"; }
stop() { say "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null 2>&1; then sudo "$@"
    else return 1
    fi
}

# apt_install PACKAGE: yes on Debian and Ubuntu as root or with sudo; no elsewhere
apt_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    say "installing $1 with apt-get …"
    as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null
}

"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    stop "Python 3.11 or newer is needed; say which one with: make PYTHON=/path/to/python3.12 …"

if [ ! -x .venv/bin/python ] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    say "making .venv …"
    # Debian keeps what venv needs in a package of its own
    "$PYTHON" -m venv --clear .venv >/dev/null 2>&1 ||
        { apt_install python3-venv && "$PYTHON" -m venv --clear .venv; } ||
        stop "Python's venv module does not work here; on Debian and Ubuntu: apt-get install python3-venv"
fi

say "installing the locked dependencies …"
.venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
set -- $(for package; do printf ' -e ./%s' "$package"; done)
.venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation "$@"

if ! command -v nginx >/dev/null 2>&1 && [ ! -x /usr/sbin/nginx ]; then
    apt_install nginx ||
        stop "nginx is needed: 'apt-get install nginx' on Debian and Ubuntu, 'dnf install nginx' on Fedora, 'brew install nginx' on macOS"
    # the package starts a server of its own on port 80, which nobody asked for
    [ ! -d /run/systemd/system ] || as_root systemctl disable --now nginx >/dev/null 2>&1 || true
fi
