#!/bin/sh
# Known vulnerabilities of everything that is installed in .venv, as PyPI's advisories tell: `make audit`. Fails where one is found.
# Without a network, or behind a mirror that has no advisories, it says so and passes; with AUDIT=must that fails too.
set -eu
python=${1:-.venv/bin/python}
advisories=https://pypi.org/pypi/pip/24.0/json

if ! "$python" -c "import json, sys, urllib.request as web; json.load(web.urlopen(sys.argv[1], timeout=20))['vulnerabilities']" \
    "$advisories" 2>/dev/null; then
    echo "audit SKIPPED: $advisories cannot be read (no network, or a mirror without advisories)" >&2
    [ "${AUDIT:-}" != must ]
    exit
fi
"$python" -m pip install --quiet --disable-pip-version-check --group audit
"$python" -m pip freeze --exclude-editable > "$(dirname "$python")/../installed.txt"
"$python" -m pip_audit --strict --no-deps --disable-pip -r "$(dirname "$python")/../installed.txt"
