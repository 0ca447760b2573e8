#!/bin/sh
# Test the wheel on a real edx-platform, in that checkout's own environment. Nothing is written into the checkout or the
# environment: the wheel is installed, and the tests run, in a temporary directory. Run it with "make test-platform".
set -eu
# Python must not write its bytecode there either.
export PYTHONDONTWRITEBYTECODE=1

stop_with_usage() {
    echo "$1" >&2
    cat >&2 <<'NEEDED'
This needs an edx-platform checkout and the Python of an environment that has its requirements/edx/testing.txt and
itself (pip install -e .):
    make test-platform EDX_PLATFORM_ROOT=../edx-platform EDX_PLATFORM_PYTHON=../venv/bin/python
NEEDED
    exit 2
}

[ -n "${EDX_PLATFORM_ROOT:-}" ] || stop_with_usage "EDX_PLATFORM_ROOT is not set."
[ -n "${EDX_PLATFORM_PYTHON:-}" ] || stop_with_usage "EDX_PLATFORM_PYTHON is not set."
[ -d "$EDX_PLATFORM_ROOT/openedx/core" ] || stop_with_usage "EDX_PLATFORM_ROOT=$EDX_PLATFORM_ROOT is not an edx-platform checkout."
[ -x "$EDX_PLATFORM_PYTHON" ] || stop_with_usage "EDX_PLATFORM_PYTHON=$EDX_PLATFORM_PYTHON is not an executable file."

here=$(cd "$(dirname "$0")/.." && pwd)
platform=$(cd "$EDX_PLATFORM_ROOT" && pwd)
# Do not resolve this link: the Python that it leads to does not have the environment's packages.
platform_python=$(cd "$(dirname "$EDX_PLATFORM_PYTHON")" && pwd)/$(basename "$EDX_PLATFORM_PYTHON")
said=$(cd "$platform" && "$platform_python" -c 'import pytest_django, lms.envs.test' 2>&1) ||
    stop_with_usage "EDX_PLATFORM_PYTHON=$EDX_PLATFORM_PYTHON lacks the platform's requirements: $(echo "$said" | tail -n 1)"
[ "${1:-}" != --check ] || exit 0

cases=$here/openedx/core/djangoapps/single_login/tests
python=$here/.venv/bin/python
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" -m build --outdir "$work/dist" "$here" >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; exit 1; }
rm -rf "$here/openedx_single_login.egg-info"
"$python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$work/site" "$work"/dist/*.whl
# Copied, because this repository and the platform both have packages "openedx" and "common".
mkdir -p "$work/tests" "$work/test_root/log" "$work/test_root/db"
cp "$cases/single_login_cases.py" "$cases/statements.py" "$here"/tests/wheel/*.py "$work/tests"

run() {
    (cd "$work" && "$platform_python" -m pytest -c "$platform/setup.cfg" --rootdir="$platform" \
        -p no:cacheprovider --disable-warnings --durations=0 --durations-min=60 "$@") || failed=1
}
failed=0
export PYTHONPATH="$work/site:$platform"

echo "The platform's own tests, with the wheel:"
run --ds=lms.envs.test \
    "$platform/openedx/core/djangoapps/user_authn/views/tests/test_login.py" \
    "$platform/openedx/core/djangoapps/user_authn/views/tests/test_logout.py" \
    "$platform/openedx/core/djangoapps/safe_sessions/tests"
export PYTHONPATH="$work/tests:$PYTHONPATH"
echo "The table of cases at exempt only, in the LMS:"
run --ds=lms.envs.test -p conftest tests/platform_exempt_only.py tests/test_operators.py
echo "The table of cases at exempt only, in Studio:"
run --ds=cms.envs.test -p conftest tests/platform_exempt_only.py
# The platform's test settings, with the check at every request.
cat >"$work/tests/every_request.py" <<'SETTINGS'
import sys

from lms.envs.test import *
from openedx_single_login.settings import plugin_settings

SINGLE_LOGIN_CHECK_EVERY_REQUEST = True
plugin_settings(sys.modules[__name__])
SETTINGS
echo "The table of cases with the check at every request, in the LMS:"
run --ds=every_request -p conftest tests/platform_every_request.py
exit "$failed"
