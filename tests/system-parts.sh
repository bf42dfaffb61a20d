#!/bin/sh
# Installs the system packages the tests need where it may, and names what it could not get.
# A test whose part is missing is skipped by name, never passed.
set -u

missing=""
find_browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
find_browser >/dev/null 2>&1 || missing="chromium"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing system packages: $missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null 2>&1
    # shellcheck disable=SC2086 # a list of names
    apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1
fi

if ! find_browser >/dev/null 2>&1; then
    echo "NOT AVAILABLE: chromium. Browser tests will be skipped. Install it with: apt-get install chromium" >&2
fi
exit 0
