"""What runs inside the pod: its start, its installer, its worker, and the courier that hands over new bytes."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

BASE = PurePosixPath("/opt/vlmbench")
PYTHON = BASE / "venv" / "bin" / "python"
SETUP, RUN, PULL = BASE / "setup.sh", BASE / "run.sh", BASE / "pull.sh"
EXIT = BASE / "exit"
"""The worker's exit status, once it ended by itself; `ssh` alone cannot tell it from its own failures."""
ENDS_AT = BASE / "ends_at"

START = f"""\
set -u
base={BASE}
mkdir -p "$base" /run/sshd ~/.ssh
chmod 755 /run/sshd
umask 077
printf '%s\\n' "$VLMBENCH_PUBLIC_KEY" > ~/.ssh/authorized_keys
printf '%s' "$VLMBENCH_HOST_KEY" | base64 -d > "$base/host_key"
[ -e "$base/alive" ] || touch "$base/alive"
trap 'exit 143' TERM
end_pod() {{
    runpodctl remove pod "$RUNPOD_POD_ID" && return
    url="$VLMBENCH_API/pods/$RUNPOD_POD_ID"
    curl -fsS -m 30 -X DELETE -H "Authorization: Bearer $RUNPOD_API_KEY" "$url" && return
    python3 - "$url" <<'END'
import os, sys, urllib.request
headers = {{"Authorization": "Bearer " + os.environ["RUNPOD_API_KEY"]}}
urllib.request.urlopen(urllib.request.Request(sys.argv[1], headers=headers, method="DELETE"), timeout=30)
END
}}
(
    if ! command -v sshd >/dev/null && [ ! -x /usr/sbin/sshd ]; then
        apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends openssh-server
        mkdir -p /run/sshd
    fi
    exec /usr/sbin/sshd -D -e -h "$base/host_key" -o PasswordAuthentication=no -o KbdInteractiveAuthentication=no \\
        -o PermitRootLogin=prohibit-password -o StrictModes=no -o AuthorizedKeysFile=.ssh/authorized_keys \\
        -o ClientAliveInterval=15 -o ClientAliveCountMax=4
) &
while sleep 2; do
    now=$(date +%s)
    ends=$VLMBENCH_ENDS_AT
    [ -s "$base/ends_at" ] && ends=$(cat "$base/ends_at")
    heard=$(stat -c %Y "$base/alive")
    if [ "$now" -ge "$ends" ] || [ $((now - heard)) -ge "$VLMBENCH_SILENCE_S" ]; then
        end_pod
        sleep 60
    fi
done
"""
"""PID 1 of the pod. It ends the pod by itself when its time is over or nothing was heard of the host.

The main process must not simply end: RunPod starts a container that ended again. It has put the pod's id and a
key for this pod only into the environment (docs.runpod.io/pods/templates/environment-variables). The host's
public key and the pod's own key come by the environment, too, so that neither side trusts on first use.
"""

PULSE_SCRIPT = f"while :; do touch {BASE}/alive; read -r -t 5; [ $? -gt 128 ] || exit 0; done"
"""Tells the pod that the host lives for as long as its connection stands, also during a long upload."""

# A session of sshd has none of the image's own variables, such as a PATH with conda or LD_LIBRARY_PATH.
_IMAGE_ENV = """\
while IFS= read -r -d '' pair; do
    case "$pair" in
        RUNPOD_API_KEY=*|PUBLIC_KEY=*|VLMBENCH_*|HOSTNAME=*) ;;
        [A-Za-z_]*=*) export "$pair" ;;
    esac
done < /proc/1/environ
"""

PULL_SCRIPT = f"""\
touch {BASE}/alive
while [ $# -ge 3 ]; do
    size=0
    [ -f "$1" ] && [ ! -L "$1" ] && size=$(stat -c %s "$1")
    count=$((size - $2))
    [ "$count" -gt "$3" ] && count=$3
    [ "$count" -lt 0 ] && count=0
    echo "$count"
    [ "$count" -gt 0 ] && tail -c "+$(($2 + 1))" "$1" | head -c "$count"
    shift 3
done
exit 0
"""
"""For each PATH START MOST: how many bytes follow, and the bytes. Also a pulse, where no connection is shared."""


def setup_script(python: str, uv_version: str, *, image_packages: bool) -> str:
    """Install what was resolved on the host, by hash, and the wheels that came along."""
    packages = " --system-site-packages" if image_packages else ""
    return f"""\
set -eu
{_IMAGE_ENV}
cd {BASE}
uv={BASE}/uv
[ -x "$uv" ] || uv=$(command -v uv || true)
if [ -z "$uv" ]; then
    python3 -m pip install --quiet --target {BASE}/uv-package uv=={uv_version}
    uv={BASE}/uv-package/bin/uv
fi
"$uv" venv --quiet --python {python}{packages} {BASE}/venv
[ ! -s requirements.txt ] || "$uv" pip install --quiet --python {PYTHON} --require-hashes -r requirements.txt
"$uv" pip install --quiet --python {PYTHON} --no-deps --offline wheels/*.whl
"""


def run_script(arguments: Sequence[str], work: str, env: Mapping[str, str]) -> str:
    """Run the worker as on any machine; only the host's secrets come later, by standard input."""
    exports = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in sorted(env.items()))
    return f"""\
{_IMAGE_ENV}
{exports}
cd {shlex.quote(work)}
{shlex.join([str(PYTHON), *arguments])}
code=$?
echo "$code" > {EXIT}.part && mv {EXIT}.part {EXIT}
exit "$code"
"""
