"""Case 16: the wheel is installed and nothing is set. A site is compared with the same site without the wheel."""

from functools import cache

import ddt
from django.test import SimpleTestCase
from journeys import take_journeys

FLAG = "PREVENT_CONCURRENT_LOGINS"
OFF, ON, BROKEN = "off", "on", "broken"


def flags(module="lms.envs.flags", **settings):
    """Return a site whose settings hold these settings."""
    return module, settings


# The shapes of the platform's flag, and what the platform makes of each.
SHAPES = {
    "true": (flags(FEATURES={FLAG: True}), ON),
    "false": (flags(FEATURES={FLAG: False}), OFF),
    "1": (flags(FEATURES={FLAG: 1}), ON),
    "0": (flags(FEATURES={FLAG: 0}), OFF),
    "the_text_true": (flags(FEATURES={FLAG: "true"}), ON),
    "the_text_false": (flags(FEATURES={FLAG: "false"}), ON),
    "empty_text": (flags(FEATURES={FLAG: ""}), OFF),
    "null": (flags(FEATURES={FLAG: None}), OFF),
    "missing": (flags(FEATURES={}), OFF),
    "only_at_the_top_level": (flags(FEATURES={}, **{FLAG: True}), OFF),
    "only_true_at_the_top_level": (flags(FEATURES={FLAG: False}, **{FLAG: True}), OFF),
    "only_true_in_features": (flags(FEATURES={FLAG: True}, **{FLAG: False}), ON),
    "null_features": (flags(FEATURES=None), BROKEN),
    "no_features": (flags(**{FLAG: True}), BROKEN),
    "mapped": (flags("lms.envs.mapped"), ON),
    "tutor_21": (flags("lms.envs.tutor_21"), OFF),
    "tutor_22": (flags("lms.envs.tutor_22"), OFF),
}


@cache
def journeys():
    """Return the records of each shape, with the wheel and without."""
    return take_journeys({name: site for name, (site, _) in SHAPES.items()})


@ddt.ddt
class NothingSetTest(SimpleTestCase):
    """A site for each shape of the platform's flag. Nothing is set for the wheel."""

    maxDiff = None

    @ddt.data(*SHAPES)
    def test_case_16_the_settings_are_the_sites_own(self, shape):
        with_wheel, without_wheel = journeys()[shape]
        self.assertEqual(with_wheel["settings"], without_wheel["settings"])
        self.assertEqual(with_wheel["flag"], without_wheel["flag"])

    @ddt.data(*SHAPES)
    def test_case_16_check_and_migrate_say_and_exit_the_same(self, shape):
        with_wheel, without_wheel = journeys()[shape]
        self.assertEqual(with_wheel["commands"], without_wheel["commands"])
        self.assertEqual([code for code, _ in with_wheel["commands"].values()], [0] * 4)

    @ddt.data(*SHAPES)
    def test_case_16_other_receivers_keep_their_order_and_ours_come_last(self, shape):
        with_wheel, without_wheel = journeys()[shape]
        for signal, theirs in without_wheel["receivers"].items():
            receivers = with_wheel["receivers"][signal]
            assert receivers[: len(theirs)] == theirs
            assert all(name.startswith("openedx_single_login.") for name in receivers[len(theirs) :])

    @ddt.data(*SHAPES)
    def test_case_16_answers_statements_and_sessions_are_the_same(self, shape):
        with_wheel, without_wheel = journeys()[shape]
        for ours, theirs in zip(with_wheel["visits"], without_wheel["visits"], strict=True):
            self.assertEqual(ours, theirs)

    @ddt.data(*((shape, expected) for shape, (_, expected) in SHAPES.items()))
    @ddt.unpack
    def test_case_16_the_platform_reads_its_own_flag(self, shape, expected):
        for record in journeys()[shape]:
            # The dashboard of the first browser, before and after a login with the second one.
            seen = {answer["status"] for answer in record["visits"] if answer["visit"][:2] == ["a", "dashboard"]}
            errors = [answer["error"] for answer in record["visits"] if answer["error"]]
            assert (seen, bool(errors)) == {ON: ({200, 302}, False), OFF: ({200}, False), BROKEN: ({302}, True)}[
                expected
            ]
