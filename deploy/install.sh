#!/bin/sh
# install.sh PACKAGE...   installs the Debian packages that are missing, or says how.
set -eu
command -v dpkg-query >/dev/null || exit 0 # not Debian: the compiler or the test will name what it lacks
missing=
for p in "$@"; do
  dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
run() { # as root, if there is a way
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo "$@"; else return 126; fi
}
echo "Installing:$missing" >&2
if ! run apt-get update -qq || ! run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null; then
  echo "These packages are missing and could not be installed:$missing" >&2
  echo "Please run, as root:  apt-get update && apt-get install -y$missing" >&2
  exit 1
fi
