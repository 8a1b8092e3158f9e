#!/bin/sh
# Builds dist/rfidguard_VERSION_ARCH.deb: the program with an environment of its own below /opt/rfidguard, for this Debian and CPU.
# Needs: dpkg-deb, and Debian's own Python (PYTHON=/usr/bin/python3). Runs as any user.
set -eu
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-/usr/bin/python3}
PIP=${PIP:-.venv/bin/python -m pip}
HOME_DIR=opt/rfidguard
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
arch=$(dpkg --print-architecture)
minor=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
next=$("$PYTHON" -c 'import sys; print("%d.%d" % (sys.version_info[0], sys.version_info[1] + 1))')
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
root=$stage/root
mkdir -p "$root/$HOME_DIR" dist

echo "building the wheel"
$PIP wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$stage" .
echo "installing it with what it needs"
"$PYTHON" -m venv --without-pip "$root/$HOME_DIR"
$PIP --python "$root/$HOME_DIR/bin/python" install --quiet --disable-pip-version-check --no-compile \
    "$(echo "$stage"/rfidguard-*.whl)[postgres]"

# Nothing in it may name the folder that it was built in.
find "$root/$HOME_DIR/bin" -mindepth 1 ! -name rfidguard ! -name 'python*' -exec rm -rf {} +
sed -i "1s|.*|#!/$HOME_DIR/bin/python3|" "$root/$HOME_DIR/bin/rfidguard"
sed -i "/^command = /d" "$root/$HOME_DIR/pyvenv.cfg"
rm -f "$root/$HOME_DIR"/lib/python*/site-packages/rfidguard-*.dist-info/direct_url.json
"$PYTHON" -m compileall -q --invalidation-mode unchecked-hash -s "$root" -p / "$root/$HOME_DIR/lib" >/dev/null
if grep -rIl "$stage" "$root" >&2; then echo "these files name the build folder" >&2; exit 1; fi

install -D -m 644 systemd/rfidguard.service  "$root/lib/systemd/system/rfidguard.service"
install -D -m 644 systemd/rfidguard.sysusers "$root/usr/lib/sysusers.d/rfidguard.conf"
install -D -m 644 systemd/rfidguard.tmpfiles "$root/usr/lib/tmpfiles.d/rfidguard.conf"
install -D -m 644 systemd/99-rfidguard.rules "$root/lib/udev/rules.d/99-rfidguard.rules"
install -D -m 644 LICENSE                    "$root/usr/share/doc/rfidguard/copyright"
for text in README.md CHANGELOG.md SECURITY.md; do install -m 644 "$text" "$root/usr/share/doc/rfidguard/$text"; done
mkdir -p "$root/usr/bin" "$root/DEBIAN"
ln -s "/$HOME_DIR/bin/rfidguard" "$root/usr/bin/rfidguard"

size=$(du -sk --exclude=DEBIAN "$root" | cut -f1)
sed -e "s|@VERSION@|$version|; s|@ARCH@|$arch|; s|@SIZE@|$size|; s|@MINOR@|$minor|g; s|@NEXT@|$next|g" \
    packaging/debian/control.in > "$root/DEBIAN/control"
for script in postinst prerm postrm; do install -m 755 "packaging/debian/$script" "$root/DEBIAN/$script"; done
find "$root" -type d -exec chmod 755 {} +
dpkg-deb --root-owner-group -Zxz -z3 --build "$root" "dist/rfidguard_${version}_${arch}.deb"
