#!/usr/bin/env bash
# Install a real Arize Phoenix into PREFIX, an environment of its own, for the tests of prompts on a server.
set -euo pipefail
[ $# = 1 ] || { echo "usage: $0 PREFIX" >&2; exit 2; }
prefix=$(realpath -m "$1")
version=20.26.1
if [ -x "$prefix/bin/phoenix" ] && [ "$(cat "$prefix/version" 2>/dev/null)" = "$version" ]; then exit 0; fi

rm -rf "$prefix"
mkdir -p "$(dirname "$prefix")"
python3 -m venv "$prefix"
"$prefix/bin/python" -m pip install --quiet --disable-pip-version-check "arize-phoenix==$version"
echo "$version" >"$prefix/version"
