# SPDX-License-Identifier: BSD-3-Clause
"""tern and a Linux kernel through one queue that is too small for both: neither starves the other."""

import unittest

from bottleneck import LINUX, TERN, Bottleneck


class Fairness(unittest.TestCase):
    def test_tern_and_linux_each_get_a_fifth_of_a_link_at_least(self):
        """Ten seconds of CUBIC against CUBIC: some 25 times one of them loses what the queue has no room for, and makes way."""
        with Bottleneck(rate=10, queue=50_000) as path:
            sent = path.share([LINUX, TERN], seconds=10)[-1]
            self.assertGreater(path.dropped(), 0)
        self.assertGreater(min(sent) / sum(sent), 0.2, f"Linux and tern sent {sent} bytes")
