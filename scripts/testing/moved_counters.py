# SPDX-License-Identifier: BSD-3-Clause
"""Prints the counters that differ between two replies of dpdk-telemetry.py, and by how much; status 1 when none does.

    moved_counters.py BEFORE.json AFTER.json
"""

import json
import sys


def flat(tree, prefix=""):
    """{'a': {'b': 1}} as {'a.b': 1}; what is no number is left out."""
    numbers = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            numbers |= flat(value, f"{prefix}{name}.")
        elif isinstance(value, int):
            numbers[prefix + name] = value
    return numbers


def counters(path):
    with open(path, encoding="utf-8") as file:
        reply = json.load(file)
    (tree,) = reply.values()
    if not isinstance(tree, dict):
        sys.exit(f"{path}: tern does not know the command: {reply}")
    return flat(tree)


def main():
    before, after = counters(sys.argv[1]), counters(sys.argv[2])
    moved = {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)}
    width = max(map(len, moved), default=0)
    for name, difference in moved.items():
        print(f"  {name:<{width}}  {difference:+d}")
    return 0 if moved else 1


if __name__ == "__main__":
    sys.exit(main())
