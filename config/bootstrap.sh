# shellcheck shell=bash
# What ./start and ./test share: Python packages, a Docker engine, machine images.
# Expects: the current folder is the project's, $install is 1 or 0, $data is a folder.

say() { printf '%s\n' "$*"; }
fail() { printf '\n%s\n' "$*" >&2; exit 1; }

# Packages that are missing are installed where that is possible, and named where it is not.
apt_install() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
      missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$install" = 0 ] || [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    fail "Missing: ${missing[*]}. Install them (on Debian or Ubuntu: sudo apt-get install ${missing[*]}) and try again."
  fi
  say "Installing ${missing[*]} …"
  local log; log=$(mktemp)
  {
    apt-get update -q &&
      DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
  } >"$log" 2>&1 || { tail -20 "$log" >&2; rm -f "$log"; fail "apt-get could not install ${missing[*]}; its last lines are above."; }
  rm -f "$log"
}

find_python() {
  local candidate
  for candidate in python3 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null &&
      "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return 0
    fi
  done
  return 1
}

# bootstrap_python LOCKFILE: .venv with exactly the packages of the lock file.
bootstrap_python() {
  local python stamp
  python=$(find_python) || { apt_install python3 python3-venv; python=$(find_python); } ||
    fail "Python 3.11 or newer is needed."
  "$python" -c 'import ensurepip, venv' 2>/dev/null || apt_install python3-venv
  stamp=$(cat "$1" | sha256sum | cut -d' ' -f1)
  if [ "$(cat .venv/.slipway-stamp 2>/dev/null)" = "$stamp" ] ||
    { [ "$1" = requirements.txt ] && [ -f .venv/.slipway-superset ] &&
      [ "$(cat .venv/.slipway-superset)" = "$stamp" ]; }; then
    return 0
  fi
  say "Installing Python packages into .venv …"
  [ -x .venv/bin/python ] || "$python" -m venv .venv
  .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r "$1" ||
    fail "pip could not install $1; its message is above."
  rm -f .venv/.slipway-superset
  echo "$stamp" >.venv/.slipway-stamp
  # The development lock holds everything of the plain one: ./start after ./test has it all.
  [ "$1" = requirements.txt ] || sha256sum requirements.txt | cut -d' ' -f1 >.venv/.slipway-superset
}

engine_socket() {
  local host=${DOCKER_HOST:-unix:///var/run/docker.sock}
  printf '%s' "${host#unix://}"
}

engine_answers() {
  python3 - "${DOCKER_HOST:-unix:///var/run/docker.sock}" <<'PY' 2>/dev/null
import socket, sys
from urllib.parse import urlsplit
address = urlsplit(sys.argv[1])
if address.scheme == "unix":
    engine = socket.socket(socket.AF_UNIX)
    engine.settimeout(3)
    engine.connect(address.path)
else:
    engine = socket.create_connection((address.hostname, address.port or 2375), 3)
engine.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
sys.exit(0 if b"200 OK" in engine.recv(200) else 1)
PY
}

# An engine that runs already is used and left alone; one that is started here ends with us.
bootstrap_engine() {
  # Called once for each part of ./test: what an earlier call started is still ours to end.
  : "${engine_pid:=}" "${engine_by_systemd:=}"
  if engine_answers; then return 0; fi
  if [ "$install" = 0 ]; then
    say "No Docker engine answers at $(engine_socket). Start one; until then Start is off."
    return 0
  fi
  [ -z "${DOCKER_HOST:-}" ] || fail "No Docker engine answers at $DOCKER_HOST. Start it, or unset DOCKER_HOST."
  if [ "$(id -u)" != 0 ]; then
    say "No Docker engine answers. Start it (sudo systemctl start docker) and add yourself to the group docker; until then Start is off."
    return 0
  fi
  command -v dockerd >/dev/null || apt_install docker.io iptables
  engine_answers && return 0
  if [ -d /run/systemd/system ]; then
    say "Starting the Docker engine (systemd) …"
    systemctl start docker && engine_by_systemd=1
  else
    say "Starting the Docker engine …"
    mkdir -p "$data"
    # Small subnets: a class of 300 needs more than the 31 networks of the default pools.
    setsid dockerd --default-address-pool base=10.231.0.0/16,size=27 \
      >"$data/dockerd.log" 2>&1 </dev/null &
    engine_pid=$!
  fi
  local tries=0
  until engine_answers; do
    tries=$((tries + 1))
    if [ $tries -gt 150 ] || { [ -n "$engine_pid" ] && ! kill -0 "$engine_pid" 2>/dev/null; }; then
      tail -5 "$data/dockerd.log" >&2 2>/dev/null || true
      fail "The Docker engine did not come up; its last lines are above."
    fi
    sleep 0.2
  done
}

end_engine() {
  if [ -n "${engine_pid:-}" ] && kill -0 "$engine_pid" 2>/dev/null; then
    kill -TERM "$engine_pid" 2>/dev/null || true
    wait "$engine_pid" 2>/dev/null || true
  fi
  [ -z "${engine_by_systemd:-}" ] || systemctl stop docker.socket docker 2>/dev/null || true
}

# Learners' engines reach their own networks through /dev/net/tun. Docker hands a device on with
# the mode it has on the host: 0666 by udev's own rules, but only root's where no udev runs.
bootstrap_tun() {
  [ "$(id -u)" = 0 ] && [ -z "${DOCKER_HOST:-}" ] || return 0
  if [ ! -c /dev/net/tun ]; then
    modprobe tun 2>/dev/null || true
    [ -c /dev/net/tun ] || { mkdir -p /dev/net && mknod /dev/net/tun c 10 200; } 2>/dev/null || true
  fi
  if [ -c /dev/net/tun ] && [ "$(stat -c %a /dev/net/tun)" != 666 ]; then
    say "Opening /dev/net/tun to everyone, as udev does …"
    chmod 0666 /dev/net/tun
  fi
}

bootstrap_images() {
  engine_answers || return 0
  command -v docker >/dev/null || apt_install docker.io
  bootstrap_tun
  local built
  built=$(.venv/bin/python -m sandbox.images.build --list)
  if [[ $built == *missing* ]]; then
    # shellcheck disable=SC2046  # a list of package names
    apt_install $(.venv/bin/python -c \
      'from sandbox.images.definitions import REQUIRED_APT_PACKAGES as p; print(*p)')
    say "Building the machine images (once; a few minutes) …"
    .venv/bin/python -m sandbox.images.build || fail "The machine images could not be built; the reason is above."
  fi
}
