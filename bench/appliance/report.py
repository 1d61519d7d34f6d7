# SPDX-License-Identifier: BSD-3-Clause
"""What build/bench.json says: as a table, as plots, and within docs/performance.md."""

import re
import statistics
import tomllib

import plot
from machine import ROOT

PAGE = ROOT / "docs/performance.md"
PLOTS = ROOT / "docs/performance"
BUDGET = ROOT / "bench/instructions/budget.toml"
ABOUT = ("unit", "machine")  # keys of a figure that are no contestant


def describe(result):
    """One run in one line."""
    words = [plot.number(result["rate"])]
    if "share" in result:
        words.append(f"server {100 * result['share']:.0f} %, client {100 * result['client_share']:.0f} % of its core")
    if result.get("ns"):
        words.append(f"{result['ns']:g} ns each")
    words.append("hand-off {} and {} ns".format(*result["handoff_ns"]))
    if "errors" in result:
        words.append(f"errors {result['errors']}")
    return ", ".join(words)


def contestants(figure):
    return [name for name in figure if name not in ABOUT]


def ratio(figure, name):
    """The first contestant's rate to another's, the median over the runs taken in turn; beside bare frames, its cost to theirs."""
    first = contestants(figure)[0]
    pairs = list(zip(figure[first]["runs"], figure[name]["runs"]))
    if name == "raw":
        ratios = [ours["ns"] / theirs["ns"] for ours, theirs in pairs if ours.get("ns") and theirs.get("ns")]
        return f"{first}'s cost is {statistics.median(ratios):.2f} times" if ratios else ""
    ratios = [ours["rate"] / theirs["rate"] for ours, theirs in pairs if theirs["rate"]]
    return f"{first} does {statistics.median(ratios):.3g} times as many" if ratios else ""


def median(summary, key):
    """Of what the runs say, where they say it."""
    values = [result[key] for result in summary["runs"] if result.get(key) is not None]
    return statistics.median(values) if values else None


def remark(summary):
    """What a contestant's runs say besides rate and cost."""
    words = []
    if (copied := median(summary, "copied")) is not None:
        words.append(f"{100 * copied:.2g} % of the text copied")
    if (offered := median(summary, "offered")) is not None:
        words.append(f"{plot.number(offered)} offered")
    if (answered := median(summary, "syns_answered")) is not None:
        words.append(f"{plot.number(answered)} SYNs/s answered of {plot.number(median(summary, 'syns_offered'))}")
        words.append(f"retransmissions {100 * median(summary, 'retransmitted_share'):.3g} % of connections")
    if (held := median(summary, "held")) is not None:
        words.append(f"{held:.0f} held")
    if (latency := median(summary, "latency_p99_us")) is not None:
        words.append(f"99 % within {latency:.0f} us")
    errors = sum(sum(result.get("errors", {}).values()) for result in summary["runs"])
    return ", ".join(words + ([f"{errors} errors"] if errors else []))


def percent(share):
    return "" if share is None else f"{100 * share:.0f} %"


def rows(results):
    """A row per contestant, as HEAD names its columns."""
    for name, figure in results["figures"].items():
        for place, who in enumerate(contestants(figure)):
            summary = figure[who]
            hops = [hop for result in summary["runs"] for hop in result["handoff_ns"]]
            notes = [ratio(figure, who) if place != 0 else "", remark(summary)]
            yield (f"{name}, {figure['unit']}" if place == 0 else "", who, plot.number(summary["median"]),
                   f"{plot.number(summary['least'])} to {plot.number(summary['most'])}", f"{summary['ns']:g}" if summary.get("ns") else "",
                   percent(median(summary, "share")), percent(median(summary, "client_share")),
                   f"{min(hops)} to {max(hops)}", "; ".join(filter(None, notes)))


HEAD = ("figure", "who", "median", "of", "ns each", "server", "client", "hand-off, ns", "beside it")


def table(results):
    """For a terminal."""
    lines = [HEAD, *rows(results)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join("  ".join(word.ljust(width) for word, width in zip(line, widths)).rstrip() for line in lines)


def markdown(lines):
    return "\n".join("| " + " | ".join(line) + " |" for line in (lines[0], ["---"] * len(lines[0]), *lines[1:]))


def other_times(results):
    """Which figures were measured on another commit than the rest."""
    others = {}
    for name, figure in results["figures"].items():
        about = figure.get("machine", results["machine"])
        if about["commit"] != results["machine"]["commit"]:
            runs = len(figure[contestants(figure)[0]]["runs"])
            others.setdefault((about["when"][:10], about["commit"], runs), []).append(name)
    return " ".join(f"Of {when}, commit {commit}, {runs} runs: {', '.join(names)}." for (when, commit, runs), names in others.items())


def results_section(results):
    if not results["figures"]:
        return "Not measured on this tree yet: `scripts/bench`."
    about = results["machine"]
    runs = max(len(figure[who]["runs"]) for figure in results["figures"].values() for who in contestants(figure))
    text = [f"{about['when']}, commit {about['commit']}, {about['cpu']}, Linux {about['kernel']}; {runs} runs of each in turn, of "
            f"{results['seconds']:g} s. {other_times(results)}".rstrip(), "", markdown([HEAD, *rows(results)]), ""]
    text += [f"![{name}](performance/{name}.svg)" for name in results["figures"]]
    return "\n".join(text)


def phases_section():
    """Instructions per unit, by phase, from the budget that the tests hold tern to."""
    budget = tomllib.loads(BUDGET.read_text(encoding="utf-8"))
    phases = list(dict.fromkeys(phase for costs in budget.values() for phase in costs))
    lines = [["phase", *budget]]
    lines += [[phase, *(f"{costs.get(phase, 0):.0f}" for costs in budget.values())] for phase in phases]
    lines.append(["**all**", *(f"**{sum(costs.values()):.0f}**" for costs in budget.values())])
    return markdown(lines)


def parts_section(results):
    """Nanoseconds for each item of bench/micro's benchmarks."""
    if "parts" not in results:
        return "Not measured with the figures above: `scripts/bench --only parts`."
    return markdown([["part", "ns"], *([name.removesuffix("/manual_time"), f"{time:g}"] for name, time in results.get("parts", {}).items())])


def write(results):
    """Fills the marked sections of the page, and writes a plot for each figure."""
    text = PAGE.read_text(encoding="utf-8")
    for section, content in (("results", results_section(results)), ("phases", phases_section()), ("parts", parts_section(results))):
        begin, end = f"<!-- {section}: written by scripts/bench --report -->", f"<!-- end of {section} -->"
        if begin not in text or end not in text:
            raise SystemExit(f"{PAGE.relative_to(ROOT)} has no section {section}")
        text = re.sub(f"{re.escape(begin)}.*?{re.escape(end)}", lambda match: f"{begin}\n{content}\n{end}", text, flags=re.S)
    PAGE.write_text(text, encoding="utf-8")
    PLOTS.mkdir(exist_ok=True)
    for name, figure in results["figures"].items():
        bars = [(who, figure[who]["median"], figure[who]["least"], figure[who]["most"]) for who in contestants(figure)]
        (PLOTS / f"{name}.svg").write_text(plot.bars(f"{name}: {figure['unit']}", bars), encoding="utf-8")
