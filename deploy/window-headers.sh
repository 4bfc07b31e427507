#!/bin/sh
# window-headers.sh   sees to it that the window can be compiled: a missing header
# would show only after minutes of compiling.
set -eu
"$(dirname "$0")/install.sh" gcc libc6-dev pkg-config libgl-dev libx11-dev libxrandr-dev libxxf86vm-dev \
  libxi-dev libxcursor-dev libxinerama-dev libwayland-dev libxkbcommon-dev libegl-dev
# Go keeps what it has compiled; only the first time is long.
if ! ls "$(go env GOCACHE)"/communicator-window >/dev/null 2>&1; then
  echo "The first build of the window takes about four minutes on two cores; later ones take seconds." >&2
  mkdir -p "$(go env GOCACHE)" && : > "$(go env GOCACHE)/communicator-window" || true
fi
