#!/bin/sh
# Debian packages that the tests use as real parts. Installs what is missing where it may; else says what to install.
set -eu
need=""
PATH="$PATH:/usr/sbin"
command -v mosquitto >/dev/null || need="$need mosquitto"
command -v mosquitto_sub >/dev/null || need="$need mosquitto-clients"
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || need="$need chromium"
command -v tshark >/dev/null || need="$need tshark"
command -v faketime >/dev/null || need="$need faketime"
command -v npm >/dev/null || need="$need npm"
command -v nats-server >/dev/null || need="$need nats-server"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || need="$need postgresql"
[ -z "$need" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086  # a list of package names
    apt-get install -y -qq --no-install-recommends $need >/dev/null
    for service in mosquitto postgresql nats-server; do
        command -v systemctl >/dev/null && systemctl stop "$service" >/dev/null 2>&1 || true
    done
else
    echo "make test needs these programs; install them with: sudo apt-get install$need" >&2
    exit 1
fi
