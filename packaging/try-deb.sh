#!/bin/sh
# Installs dist/rfidguard_*.deb in a clean Debian, upgrades it, removes it, purges it, and asks after each step what must be true.
# As root; needs debootstrap (or a folder made by it in BASE). Nothing outside the temporary folder is touched.
set -eu
cd "$(dirname "$0")/.."
deb=$(ls -t dist/rfidguard_*.deb | head -1)
work=$(mktemp -d)
root=$work/root
BASE=${BASE:-$work/base}
SUITE=${SUITE:-bookworm}
MIRROR=${MIRROR:-http://deb.debian.org/debian}
port=$(( 20000 + $$ % 20000 ))
daemon=
clean() { [ -z "$daemon" ] || kill -9 "$daemon" 2>/dev/null || true; umount "$root/proc" 2>/dev/null || true; rm -rf "$work"; }
trap clean EXIT

inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }
must() { what=$1; shift; if "$@" >/dev/null 2>&1; then echo "  ok    $what"; else echo "  WRONG $what: $*"; exit 1; fi; }
mustnt() { what=$1; shift; if "$@" >/dev/null 2>&1; then echo "  WRONG $what: $*"; exit 1; else echo "  ok    $what"; fi; }
is() { test "$(inside stat -c '%a %U:%G' "$1" 2>/dev/null)" = "$2"; }
install_deb() { cp "$1" "$root/tmp/rfidguard.deb"; inside dpkg -i /tmp/rfidguard.deb </dev/null; }
healthy() { curl -fsS -m 2 "http://127.0.0.1:$port/healthz"; }

[ -d "$BASE/etc" ] || debootstrap --variant=minbase --include=systemd,udev,python3 "$SUITE" "$BASE" "$MIRROR"
cp -a "$BASE" "$root"
mount -t proc proc "$root/proc"

echo "== install $deb"
install_deb "$deb"
must "the unit is there"                    test -f "$root/lib/systemd/system/rfidguard.service"
must "systemd takes the unit"               inside systemd-analyze verify --man=no /lib/systemd/system/rfidguard.service
must "the user is there, may use serial lines" sh -c "chroot $root id -nG rfidguard | grep -qw dialout"
must "its data folder is its own"           is /var/lib/rfidguard "750 rfidguard:rfidguard"
must "the configuration folder is root's"   is /etc/rfidguard "750 root:rfidguard"
must "the configuration is there, read-only for the daemon" is /etc/rfidguard/rfidguard.toml "640 root:rfidguard"
must "the names of serial adapters"         test -f "$root/lib/udev/rules.d/99-rfidguard.rules"
must "the command works"                    inside rfidguard --help
must "the configuration has no error"       inside runuser -u rfidguard -- rfidguard check
must "no file names the folder it was built in" sh -c "! grep -rIlE '/tmp/tmp\.|/work/' $root/opt/rfidguard/bin $root/opt/rfidguard/pyvenv.cfg"
must "python programs outside see nothing of it" sh -c "! chroot $root python3 -c 'import rfidguard'"

echo "== the daemon runs as its user, with what the package brought"
chroot --userspec=rfidguard:rfidguard "$root" /usr/bin/env -i PATH=/usr/bin:/bin RFIDGUARD_HTTP__LISTEN="127.0.0.1:$port" \
    RFIDGUARD_CONFIG=/etc/rfidguard/rfidguard.toml sh -c 'cd /var/lib/rfidguard && exec rfidguard run' >"$work/daemon.log" 2>&1 &
daemon=$!
tries=0
until healthy >/dev/null 2>&1; do
    tries=$((tries + 1)); [ "$tries" -lt 300 ] || { cat "$work/daemon.log"; exit 1; }
    sleep 0.2
done
must "it is healthy"                        healthy
kill "$daemon"; wait "$daemon" || true; daemon=
must "its database is where it belongs"     sh -c "ls $root/var/lib/rfidguard/*.db"

echo "== upgrade"
printf '# edited by hand\n' >> "$root/etc/rfidguard/rfidguard.toml"
edited=$(md5sum < "$root/etc/rfidguard/rfidguard.toml")
kept() { test "$(md5sum < "$root/etc/rfidguard/rfidguard.toml")" = "$edited"; }
dpkg-deb -R "$deb" "$work/next"
sed -i 's/^Version: .*/Version: 999.0/' "$work/next/DEBIAN/control"
echo '# another example' >> "$work/next/opt/rfidguard/share/rfidguard/systemd/rfidguard.toml.example"
dpkg-deb --root-owner-group -Znone --build "$work/next" "$work/next.deb" >/dev/null
install_deb "$work/next.deb"
must "the new version is there"             sh -c "chroot $root dpkg-query -W rfidguard | grep -q 999.0"
must "the edited configuration is kept"     kept
must "the data is kept"                     sh -c "ls $root/var/lib/rfidguard/*.db"

echo "== remove"
inside dpkg -r rfidguard
mustnt "the program is gone"                test -e "$root/opt/rfidguard/bin/rfidguard"
mustnt "the unit is gone"                   test -e "$root/lib/systemd/system/rfidguard.service"
must "the edited configuration is kept"     kept
must "the data is kept"                     sh -c "ls $root/var/lib/rfidguard/*.db"

echo "== install again"
install_deb "$deb"
must "the edited configuration is kept"     kept
rm "$root/etc/rfidguard/rfidguard.toml"
install_deb "$work/next.deb"
mustnt "a configuration that was deleted stays deleted" test -e "$root/etc/rfidguard/rfidguard.toml"

echo "== purge"
inside dpkg -P rfidguard
mustnt "no configuration is left"           test -e "$root/etc/rfidguard"
mustnt "no data is left"                    test -e "$root/var/lib/rfidguard"
mustnt "no user is left"                    inside getent passwd rfidguard
must "nothing of it is left"                sh -c "! find $root/opt $root/usr $root/lib $root/etc -name '*rfidguard*' | grep ."
echo "the package installs, upgrades and goes as it should"
