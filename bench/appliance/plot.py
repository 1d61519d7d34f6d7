# SPDX-License-Identifier: BSD-3-Clause
"""Plots as SVG: a bar for each contestant, from its least to its most."""

from xml.sax.saxutils import escape

WIDTH, BAR, GAP, LEFT, RIGHT, TOP = 640, 26, 14, 90, 90, 44
COLOURS = {"tern": "#2a6f97"}


def bars(title, values):
    """values: [(name, median, least, most)]."""
    height = TOP + len(values) * (BAR + GAP) + GAP
    scale = (WIDTH - LEFT - RIGHT) / (max(most for *_, most in values) or 1)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="13">',
             "<!-- SPDX-License-Identifier: BSD-3-Clause. From build/bench.json. -->",
             f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
             f'<text x="{LEFT}" y="26" font-size="15" fill="#222">{escape(title)}</text>']
    for place, (name, median, least, most) in enumerate(values):
        y = TOP + place * (BAR + GAP)
        middle = y + BAR / 2
        parts += [f'<text x="{LEFT - 8}" y="{middle + 4}" text-anchor="end" fill="#222">{escape(name)}</text>',
                  f'<rect x="{LEFT}" y="{y}" width="{median * scale:.1f}" height="{BAR}" fill="{COLOURS.get(name, "#a9a9a9")}"/>',
                  f'<path d="M{LEFT + least * scale:.1f},{middle}H{LEFT + most * scale:.1f}" stroke="#222"/>',
                  f'<text x="{LEFT + most * scale + 6:.1f}" y="{middle + 4}" fill="#222">{number(median)}</text>']
    return "\n".join([*parts, "</svg>"]) + "\n"


def number(value):
    for size, letter in ((1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"
