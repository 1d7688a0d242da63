#!/usr/bin/env bash
# A real Docker engine with a base image of our own, the programs of a real Slurm, Apptainer, Phoenix and PostgreSQL.
set -euo pipefail
cd "$(dirname "$0")"

packages=(docker.io iptables debootstrap openssh-client openssh-server munge slurmctld slurmd slurm-client
    slurm-wlm-basic-plugins patchelf squashfs-tools squashfuse fuse-overlayfs fuse3 uidmap postgresql)
if ! dpkg -s "${packages[@]}" >/dev/null 2>&1; then
    # The tests start what they need, with their own settings; packages must not.
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
    rm -f /usr/sbin/policy-rc.d
    trap - EXIT
fi

if ! docker info >/dev/null 2>&1; then
    nohup dockerd >/var/log/dockerd.log 2>&1 &
    for _ in $(seq 100); do
        docker info >/dev/null 2>&1 && break
        sleep 0.2
    done
    docker info >/dev/null
fi

# No registry is needed: Debian's own archive makes the image that everything else is built on.
if ! docker image inspect vlmbench/base:bookworm >/dev/null 2>&1; then
    root=$(mktemp -d)
    debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv bookworm "$root" >/dev/null
    tar -C "$root" -c . | docker import - vlmbench/base:bookworm >/dev/null
    rm -rf "$root"
fi

./apptainer.sh "${XDG_CACHE_HOME:-$HOME/.cache}/vlmbench-ci/apptainer"
./phoenix.sh "${XDG_CACHE_HOME:-$HOME/.cache}/vlmbench-ci/phoenix"
