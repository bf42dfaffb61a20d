#!/bin/sh
# Installs the system packages the tests need where it may, and names what it could not get.
# A test whose part is missing is skipped by name, never passed.
set -u

find_browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
find_edge() { command -v kamailio && ls /usr/lib/*/kamailio/modules/db_sqlite.so && ls /usr/lib/*/kamailio/modules/rtimer.so; }
find_callers() { command -v sipp; }
find_networks() { command -v ip; }
find_disks() { command -v bindfs && command -v ntfs-3g; }
find_pbx() { [ -x .venv/asterisk/root/usr/sbin/asterisk ]; }

missing=""
find_browser >/dev/null 2>&1 || missing="$missing chromium"
find_edge >/dev/null 2>&1 || missing="$missing kamailio kamailio-sqlite-modules"
find_callers >/dev/null 2>&1 || missing="$missing sip-tester"
find_networks >/dev/null 2>&1 || missing="$missing iproute2"
find_disks >/dev/null 2>&1 || missing="$missing bindfs ntfs-3g"

if ! find_pbx; then
    echo "Unpacking Asterisk into .venv/asterisk"
    sh tests/lab/asterisk-parts.sh .venv/asterisk >/dev/null 2>&1
    find_pbx || echo "NOT AVAILABLE: Asterisk. Tests with real PBXs will be skipped: Debian 11 could not be reached." >&2
fi
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing system packages:$missing"
    export DEBIAN_FRONTEND=noninteractive
    # The edge's package would start a server of its own.
    export RUNLEVEL=1
    apt-get update -qq >/dev/null 2>&1
    # One by one, so that one that cannot be had keeps none of the others away.
    for package in $missing; do
        apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1
    done
fi

say_missing() { echo "NOT AVAILABLE: $1. $2 will be skipped. Install it with: apt-get install $3" >&2; }
find_browser >/dev/null 2>&1 || say_missing chromium "Browser tests" chromium
find_edge >/dev/null 2>&1 || say_missing kamailio "Tests with real SIP" "kamailio kamailio-sqlite-modules"
find_callers >/dev/null 2>&1 || say_missing SIPp "Tests with real SIP" sip-tester
find_networks >/dev/null 2>&1 || say_missing ip "Tests with real SIP" iproute2
find_disks >/dev/null 2>&1 || say_missing bindfs "Tests on file systems without permissions" "bindfs ntfs-3g"
exit 0
