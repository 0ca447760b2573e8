"""The same journeys through the same sites, with the wheel and without it: see standin/journey.py."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

STANDIN = Path(__file__).parent / "standin"


def take_journeys(sites):
    """
    Return the records of ``sites`` by name, as pairs: with the wheel, and without.

    A site is the name of its settings module, and the settings that FLAGS has for it.
    """
    arguments = json.dumps([{"module": module, "flags": flags} for module, flags in sites.values()])
    with ThreadPoolExecutor() as pool:
        records = list(pool.map(partial(_take, arguments), ("", "yes")))
    return dict(zip(sites, zip(*records, strict=True), strict=True))


def _take(arguments, without_wheel):
    process = subprocess.run(
        [sys.executable, "journey.py", arguments],
        cwd=STANDIN,
        env={**os.environ, "WITHOUT_WHEEL": without_wheel},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)
