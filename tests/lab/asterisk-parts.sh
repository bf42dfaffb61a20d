#!/bin/sh
# Unpacks Asterisk into the folder $1, from Debian: the newest of its releases that has it is 11. Nothing is installed
# on the machine: the packages are fetched under a root of their own, and run from the folder they are unpacked to.
set -eu

folder=$(realpath -m "$1")
keys=/usr/share/keyrings/debian-archive-keyring.gpg
[ ! -x "$folder/root/usr/sbin/asterisk" ] || exit 0
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null && [ -r "$keys" ]

work=$folder.new
rm -rf "$work"
mkdir -p "$work/etc/apt.conf.d" "$work/etc/preferences.d" "$work/state/lists/partial" "$work/cache/archives/partial" "$work/root"
cat > "$work/etc/sources.list" <<SOURCES
deb [signed-by=$keys] http://deb.debian.org/debian bookworm main
deb [signed-by=$keys] http://deb.debian.org/debian bullseye main
deb [signed-by=$keys] http://deb.debian.org/debian-security bullseye-security main
SOURCES
cp /var/lib/dpkg/status "$work/state/status"
own() {
    apt-get -qq -o Dir::Etc="$work/etc" -o Dir::Etc::sourceparts=/dev/null -o Dir::State="$work/state" \
        -o Dir::State::status="$work/state/status" -o Dir::Cache="$work/cache" -o APT::Install-Recommends=0 \
        -o APT::Sandbox::User=root "$@"
}
own update
own -y -d install asterisk
for package in "$work"/cache/archives/*.deb; do dpkg-deb -x "$package" "$work/root"; done
rm -rf "$work/cache" "$work/state" "$work/etc" "$folder"
mv "$work" "$folder"
