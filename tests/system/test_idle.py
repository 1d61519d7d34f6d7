# SPDX-License-Identifier: BSD-3-Clause
"""What a worker does for want of work: its rounds and sleeps are counted, never timed."""

import time

from harness import ECHO, receive_exactly
from peer_case import PeerCase

# A port whose driver has no interrupts.
RING = '[[port]]\ndevice = "net_ring0"\naddresses = ["198.51.100.2/24"]\n'
QUIET = 1.0  # seconds in which nothing is asked of tern
PAUSE = 0.05  # seconds after which a worker sleeps as long as it may


class Idle(PeerCase):
    def rates(self):
        """How often per second each counter counted while nothing was asked of tern."""
        time.sleep(QUIET)  # the end of what went before
        before, start = self.tern.counters(), time.monotonic()
        time.sleep(QUIET)
        after, end = self.tern.counters(), time.monotonic()
        return {name.split(".")[-1]: (after[name] - before[name]) / (end - start) for name in before}

    def echo_after_pauses(self, times):
        with self.net.connect(ECHO) as client:
            for i in range(times):
                time.sleep(PAUSE)
                client.sendall(bytes([i]))
                self.assertEqual(receive_exactly(client, 1), bytes([i]))


class WokenByFrames(Idle):
    def test_a_quiet_worker_hardly_goes_round(self):
        rates = self.rates()
        # A hundred sleeps of at most 10 ms, with a round before and after each; the kernel's own frames, of which
        # there are a few, cost 512 rounds each. A worker that polls goes round millions of times.
        self.assertLess(rates["polls"], 20_000, rates)
        self.assertLess(rates["sleeps"], 1_000, rates)
        self.assertGreater(rates["sleeps"], 0, rates)

    def test_frames_end_the_sleep(self):
        before = self.tern.count("wakes")
        self.echo_after_pauses(40)
        self.assertGreaterEqual(self.tern.count("wakes") - before, 20)


class Napping(Idle):
    """One port without interrupts is enough: the worker looks for itself, every 150 microseconds."""

    configuration = {"more": RING}

    def test_a_quiet_worker_naps_between_rounds(self):
        rates = self.rates()
        self.assertLess(rates["polls"], 30_000, rates)
        self.assertLessEqual(rates["sleeps"], rates["polls"], rates)
        self.assertGreater(rates["sleeps"], 0, rates)

    def test_what_comes_during_a_nap_is_answered(self):
        self.echo_after_pauses(40)


class Polling(Idle):
    configuration = {"dataplane": {"idle": "poll"}}

    def test_it_never_sleeps(self):
        self.echo_after_pauses(5)
        self.assertEqual(self.tern.count("sleeps"), 0)
