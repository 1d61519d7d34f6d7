# SPDX-License-Identifier: BSD-3-Clause
"""Instructions by phase, from what callgrind wrote and where the debug information says that each instruction comes from.

An optimized program hardly keeps the functions of its source, so that callgrind's own sums by function say little. But each
instruction still knows the functions that it was inlined from. Its phase is that of the innermost of these which is the root of a
phase, or else that of the call which led to its function.
"""

import re
import subprocess
from collections import defaultdict

INHERIT = None  # the phase of the caller


class Profile:
    """One callgrind.out, written with --dump-instr=yes --compress-strings=no --compress-pos=no."""

    def __init__(self, path, program):
        self.program = str(program)
        self.own = defaultdict(lambda: defaultdict(int))    # function -> address -> instructions
        self.calls = defaultdict(lambda: defaultdict(int))  # function -> (address, callee) -> instructions
        self._read(path)

    def _read(self, path):
        here = [None, None]  # object, function
        callee = [None, None]
        calling = False
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                key, separator, value = line.rstrip("\n").partition("=")
                if separator and key in ("ob", "fn"):
                    here[key == "fn"] = value
                    callee[0] = here[0]
                elif separator and key in ("cob", "cfn"):
                    callee[key == "cfn"] = value
                elif key == "calls" and separator:
                    calling = True
                elif line.startswith("0x"):
                    address, _, count = line.split()[:3]
                    if calling:
                        self.calls[tuple(here)][(address, tuple(callee))] += int(count)
                        calling, callee[0] = False, here[0]
                    else:
                        self.own[tuple(here)][address] += int(count)

    def addresses(self):
        """Of the program itself, not of the libraries that it calls."""
        found = set()
        for table in (self.own, self.calls):
            for function, costs in table.items():
                if function[0] == self.program:
                    found.update(place if isinstance(place, str) else place[0] for place in costs)
        return sorted(found)


def function_chains(program, addresses):
    """{address: [function, ...]}, the innermost first, as the compiler inlined them."""
    done = subprocess.run(["addr2line", "-a", "-i", "-f", "-C", "-e", program], input="\n".join(addresses), text=True,
                          capture_output=True, check=True)
    chains, names = {}, None
    lines = iter(done.stdout.splitlines())
    for line in lines:
        if line.startswith("0x"):
            names = chains.setdefault(hex(int(line, 16)), [])
        else:
            names.append(line)
            next(lines)  # file and line
    return chains


class Attribution:
    """phases: {phase: [function, ...]}, without namespaces, "Class::function"; drivers: the pattern of libraries whose
    instructions are not counted."""

    def __init__(self, profile, phases, drivers):
        self.profile = profile
        self.roots = {root: phase for phase, roots in phases.items() for root in roots}
        self.drivers = re.compile(drivers)
        self.met = set()  # roots that came up
        self.chains = function_chains(profile.program, profile.addresses())
        self._shares = {}

    def _phase_of_name(self, name):
        plain = name.split("(")[0].split("'")[0]
        root = "::".join(plain.split("::")[-2:])
        if root in self.roots:
            self.met.add(root)
        return self.roots.get(root)

    def _phase_at(self, function, address):
        if function[0] != self.profile.program:
            return INHERIT
        for name in self.chains.get(address, ()):
            phase = self._phase_of_name(name)
            if phase is not None:
                return phase
        return self._phase_of_name(function[1])

    def _share(self, function):
        """{phase: instructions} of a function and all that it calls."""
        if function in self._shares:
            return self._shares[function]
        self._shares[function] = {INHERIT: 1}  # met again on the way: a recursion, counted as its caller
        if self.drivers.search(function[0]):
            share = {"driver": self._total(function)}
        else:
            share = defaultdict(int)
            for address, count in self.profile.own.get(function, {}).items():
                share[self._phase_at(function, address)] += count
            for (address, callee), count in self.profile.calls.get(function, {}).items():
                inner = self._share(callee)
                whole = sum(inner.values()) or 1
                for phase, part in inner.items():
                    share[self._phase_at(function, address) if phase is INHERIT else phase] += count * part / whole
        self._shares[function] = share
        return share

    def by_function(self):
        """{function: instructions of its own}, wherever it was inlined; functions of libraries by their own names."""
        costs = defaultdict(int)
        for function, places in self.profile.own.items():
            for address, count in places.items():
                chain = self.chains.get(address, ()) if function[0] == self.profile.program else ()
                if not self.drivers.search(function[0]):
                    costs[chain[0] if chain else function[1]] += count
        return costs

    def _total(self, function):
        return (sum(self.profile.own.get(function, {}).values()) + sum(self.profile.calls.get(function, {}).values())) or 1

    def of(self, name):
        """{phase: instructions} of the function whose name contains this; what is in no phase counts for "round"."""
        function = next(key for key in list(self.profile.own) if name in key[1] and key[0] == self.profile.program)
        share = dict(self._share(function))
        share["round"] = share.pop(INHERIT, 0)
        everything = sum(sum(costs.values()) for costs in self.profile.own.values())
        if abs(sum(share.values()) - everything) > everything / 1000:
            raise ValueError(f"{name} executes {sum(share.values()):.0f} of {everything} instructions")
        return share
