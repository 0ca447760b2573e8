"""Sampling: cases that are to be compared take turns, so that what else the machine does slows all of them alike."""

import time
import timeit
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyperf

# A sample lasts at least so long: many times what reading the clock takes.
SAMPLE_SECONDS = 0.005


@dataclass(frozen=True)
class Case:
    """What to measure: ``run``, given what ``prepare`` returns, under ``settings``."""

    name: Any
    settings: dict[str, Any]
    prepare: Callable[[], Any]
    run: Callable[[Any], Any]
    # ``run`` cannot be repeated on the same argument.
    once: bool = field(default=False)


def interleave(cases, rounds):
    """Take ``rounds`` samples of each case, in turns; return a pyperf.Benchmark for each, by name."""
    samples = {case.name: [] for case in cases}
    loops = {case.name: _calibrate(case) for case in cases}
    for _ in range(rounds):
        for case in cases:
            samples[case.name].append(_sample(case, loops[case.name]))
    return {
        name: pyperf.Benchmark([pyperf.Run(values, metadata={"name": str(name)}, collect_metadata=False)])
        for name, values in samples.items()
    }


def _calibrate(case):
    seconds = _sample(case, 1)
    return 1 if case.once else max(1, round(SAMPLE_SECONDS / seconds))


def _sample(case, loops):
    from django.test import override_settings

    with override_settings(**case.settings):
        # The first run after a change of settings parses them, and is not counted.
        case.run(case.prepare())
        timed = partial(case.run, case.prepare())
        return timeit.Timer(timed, timer=time.perf_counter).timeit(loops) / loops
