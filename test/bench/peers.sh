#!/bin/sh
# Docker, podman and crun of Debian trixie in a folder of their own, run in private mount, network and process namespaces.
#   peers.sh build     fetches them once (about 35 s, needs mmdebstrap and root) into $PEERS (default /var/tmp/tare-peers)
#   peers.sh up        runs dockerd (with its containerd) and podman's service until killed; sockets: $PEERS/run/*.sock
#   peers.sh exec CMD  runs a command inside the namespaces of a running "up"
# Both engines use the cgroupfs driver; the empty cgroup2 mount of a v1 machine is hidden from them, crun trips over it.
set -eu
PEERS=${PEERS:-/var/tmp/tare-peers}
PACKAGES=docker.io,containerd,runc,crun,podman,fuse-overlayfs,iptables,nftables,netavark,ca-certificates,busybox-static,iproute2,procps

build() {
  [ ! -e "$PEERS/ok" ] || return 0
  mmdebstrap --quiet --variant=apt --include="$PACKAGES" trixie "$PEERS"
  mkdir -p "$PEERS/etc/containers" "$PEERS/old"
  printf '[engine]\ncgroup_manager="cgroupfs"\nevents_logger="file"\n' >"$PEERS/etc/containers/containers.conf"
  printf '[storage]\ndriver="overlay"\ngraphroot="/var/lib/containers/storage"\nrunroot="/run/containers/storage"\n' >"$PEERS/etc/containers/storage.conf"
  touch "$PEERS/ok"
}

# Runs as pid 1 of the private namespaces.
inside() {
  mount --bind "$PEERS" "$PEERS"
  mount -t proc proc "$PEERS/proc"
  mount --rbind /sys "$PEERS/sys"
  mountpoint -q "$PEERS/sys/fs/cgroup/unified" && umount "$PEERS/sys/fs/cgroup/unified"
  mount --rbind /dev "$PEERS/dev"
  if [ -n "${PEERS_STORE:-}" ]; then
    mkdir -p "$PEERS/var/lib/docker" "$PEERS/var/lib/containers"
    mount --bind "$PEERS_STORE/docker" "$PEERS/var/lib/docker"
    mount --bind "$PEERS_STORE/podman" "$PEERS/var/lib/containers"
  fi
  cd "$PEERS"
  pivot_root . old
  umount -l /old
  export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
  ip link set lo up
  rm -rf /run/docker* /run/containerd /run/podman* /run/containers /run/libpod
  dockerd --exec-opt native.cgroupdriver=cgroupfs -H unix:///run/docker.sock >/var/log/dockerd.log 2>&1 &
  podman system service --time=0 unix:///run/podman.sock >/var/log/podman.log 2>&1 &
  wait
}

case ${1:-} in
  build) build ;;
  up)
    echo $$ >"$PEERS/up.pid"
    exec unshare --mount --net --pid --fork --kill-child --propagation private "$0" inside
    ;;
  inside) inside ;;
  exec)
    shift
    pid=$(pgrep -P "$(cat "$PEERS/up.pid")")
    exec nsenter -t "$pid" -m -n -p -r -w "$@"
    ;;
  *) sed -n '2,6p' "$0"; exit 2 ;;
esac
