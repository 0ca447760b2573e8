#!/bin/sh
# Test the wheel on a real edx-platform, in that checkout's own environment. Nothing is written into the checkout or the
# environment: the wheel is installed, and the tests run, in a temporary directory.
set -eu

if [ -z "${EDX_PLATFORM_ROOT:-}" ] || [ -z "${EDX_PLATFORM_PYTHON:-}" ]; then
    cat >&2 <<'NEEDED'
This needs an edx-platform checkout and the Python of an environment with its requirements/edx/testing.txt:
    EDX_PLATFORM_ROOT=/path/to/edx-platform EDX_PLATFORM_PYTHON=/path/to/venv/bin/python make test-platform
NEEDED
    exit 2
fi

here=$(cd "$(dirname "$0")/.." && pwd)
platform=$(cd "$EDX_PLATFORM_ROOT" && pwd)
cases=$here/openedx/core/djangoapps/single_login/tests/single_login_cases.py
tests=$here/tests/wheel
python=$here/.venv/bin/python
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" -m build --outdir "$work/dist" "$here" >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; exit 1; }
rm -rf "$here/openedx_single_login.egg-info"
"$python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$work/site" "$work"/dist/*.whl
# Taken out of this repository, whose "openedx" and "common" the platform has, too.
mkdir -p "$work/tests" "$work/test_root/log" "$work/test_root/db"
cp "$cases" "$here/testing/statements.py" "$tests/jwt_cookie_cases.py" "$tests/statement_cases.py" \
    "$tests/on_edx_platform.py" "$tests/test_operators.py" "$work/tests"

run() {
    (cd "$work" && "$EDX_PLATFORM_PYTHON" -m pytest -c "$platform/setup.cfg" --rootdir="$platform" \
        -p no:cacheprovider --disable-warnings --durations=0 --durations-min=60 "$@")
}
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$work/site:$platform"

echo "The platform's own tests, with the wheel:"
run --ds=lms.envs.test "$platform/openedx/core/djangoapps/user_authn/views/tests/test_login.py" \
    "$platform/openedx/core/djangoapps/user_authn/views/tests/test_logout.py" \
    "$platform/openedx/core/djangoapps/safe_sessions/tests"
echo "The table of cases, through the platform's own login:"
run --ds=lms.envs.test -p conftest tests/on_edx_platform.py tests/test_operators.py
echo "Studio:"
run --ds=cms.envs.test -p conftest tests/on_edx_platform.py
