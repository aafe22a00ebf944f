# Sourced by scripts/quickstart and scripts/test: finds Python, makes a project-local environment, brings Node.
# Needs bash and Python 3.9+ with pip; any Node on the machine is left alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ROOT=$PWD
export PIP_DISABLE_PIP_VERSION_CHECK=1

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# step NAME COMMAND…: runs it, says how long it took, and ends everything when it fails.
step() {
  local name=$1 started=$SECONDS
  shift
  printf '\n── %s\n' "$name"
  "$@" || fail "$name failed: $*"
  printf '── %s: %d s\n' "$name" $((SECONDS - started))
}

# make_venv FOLDER: an environment whose pip is called as: pip_in FOLDER …
make_venv() {
  [ -x "$1/bin/python" ] && return
  # Debian without python3-venv has no ensurepip: then the outer pip fills the environment.
  "$SYSTEM_PYTHON" -m venv "$1" >/dev/null 2>&1 || { rm -rf "$1" && "$SYSTEM_PYTHON" -m venv --without-pip "$1"; }
}

pip_in() {
  local venv=$1
  shift
  if "$venv/bin/python" -m pip --version >/dev/null 2>&1; then "$venv/bin/python" -m pip "$@"
  else "$SYSTEM_PYTHON" -m pip --python "$venv/bin/python" "$@"; fi
}

SYSTEM_PYTHON=${PYTHON:-python3}
"$SYSTEM_PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null ||
  fail "expected Python 3.9 or newer as '$SYSTEM_PYTHON'; name one with PYTHON=/path/to/python3"
