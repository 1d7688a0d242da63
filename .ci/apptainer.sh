#!/usr/bin/env bash
# Install a private Apptainer into PREFIX, on a Debian whose own archive has none: from sid, beside the system's
# libraries and without touching apt's settings. Put PREFIX/usr/bin on PATH afterwards.
# Needs: patchelf squashfs-tools squashfuse fuse-overlayfs fuse3 uidmap.
set -euo pipefail
[ $# = 1 ] || { echo "usage: $0 PREFIX" >&2; exit 2; }
prefix=$(realpath -m "$1")
if [ -x "$prefix/usr/bin/apptainer" ] && "$prefix/usr/bin/apptainer" --version; then exit 0; fi

mkdir -p "$(dirname "$prefix")"
made=$(mktemp -d "$(dirname "$prefix")/.apptainer.XXXXXX")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch" "$made"' EXIT
mkdir -p "$scratch"/{lists/partial,cache/archives/partial,packages,libraries}

mirror=$(awk '/^URIs:/ {print $2; exit} /^deb / {for (i = 2; i <= NF; i++) if ($i ~ /^[a-z]+:\/\//) {print $i; exit}}' \
    $(ls /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null))
[ -n "$mirror" ] || { echo "$0: no Debian mirror is named in /etc/apt" >&2; exit 1; }
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror sid main" >"$scratch/sources.list"
apt=(apt-get -qq -o Dir::Etc::sourcelist="$scratch/sources.list" -o Dir::Etc::sourceparts=- -o APT::Sandbox::User=root
    -o Dir::State::lists="$scratch/lists" -o Dir::Cache="$scratch/cache")
"${apt[@]}" update
libraries=(libc6 libseccomp2 libsqlite3-0)
(cd "$scratch/packages" && "${apt[@]}" download apptainer "${libraries[@]}")

# The folder is made under another name and then renamed, but knows its last place: loader and libraries are in it.
dpkg -x "$scratch"/packages/apptainer_*.deb "$made"
for each in "${libraries[@]}"; do dpkg -x "$scratch"/packages/"$each"_*.deb "$scratch/libraries"; done
libs=$(dirname "$(find "$scratch/libraries" -name 'libc.so.6' -print -quit)")
loader=$(find "$scratch/libraries" -name 'ld-linux*.so.*' -printf '%f\n' -quit)
mkdir -p "$made/lib"
cp -a "$libs/$loader" "$libs"/{libc,libm,libresolv}.so.* "$libs"/libseccomp.so.2* "$libs"/libsqlite3.so.* \
    "$libs"/libnss_* "$made/lib/"
starter=$(find "$made/usr/lib" -path '*/apptainer/bin/starter' -print -quit)
for program in "$made/usr/bin/apptainer" "$starter"; do
    # RPATH and not RUNPATH, which libsqlite3 would not hand on to the libm that it needs.
    patchelf --set-interpreter "$prefix/lib/$loader" --force-rpath --set-rpath "$prefix/lib" "$program"
done
# A program outside /usr looks for its settings and its mount point relative to itself.
ln -sfn ../etc "$made/usr/etc"
ln -sfn ../../etc "$made/usr/lib/etc"
mkdir -p "$made"/usr/lib/var/lib/apptainer/mnt/session "$made"/usr/var/lib/apptainer/mnt/session
chmod 755 "$made"
rm -rf "$prefix"
mv "$made" "$prefix"
"$prefix/usr/bin/apptainer" --version
