#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The table of attacks and machines in docs/testing.md, from what the last run of the suite left in
build/matrix.json.

  matrix.py FILE	writes it between the markers of FILE
"""

import json
import os
import re
import sys

sys.dont_write_bytecode = True

import configs
import place
from models import MODELS

RESULTS = os.path.join(place.BUILD, "matrix.json")
DOCUMENT = os.path.join(place.TOP, "docs", "testing.md")
BEGIN = "<!-- ATTACKS: made by `make attack-table`; edit nothing here. -->"
END = "<!-- END ATTACKS -->"


def outcome(attack):
    """One word or two, for a cell."""
    if attack.absent():
        return "no " + attack.lacking
    if attack.problem():
        return "**fails**"
    with_it = attack.outcome(attack.with_it)
    return "open" if attack.open and with_it != "refused" else with_it


def result(attack, config, how=""):
    """how: how Holdfast was launched, if not as it is by default."""
    return {"attack": attack.name, "machine": config._asdict(), "how": how,
            "outcome": outcome(attack)}


def merge(results, more):
    """What came of an attack on a machine replaces what came of it there before."""
    def same(one):
        return one["attack"], tuple(one["machine"].items()), one["how"]
    newer = {same(one) for one in more}
    return [one for one in results if same(one) not in newer] + more


def column_of(one):
    return (one["machine"]["kernel"], one["machine"]["model"], one.get("how", ""))


def save(results, full):
    """results: in the order of the suite. What another run has left of other columns is kept: Intel's
    machines have a run of their own."""
    releases = {series: place.release(series) for series in configs.KERNELS}
    ran = {column_of(one) for one in results}
    try:
        saved = json.loads(read(RESULTS))
    except FileNotFoundError:
        saved = {"full": full, "results": []}
    if saved["full"] == full:
        results = results + [one for one in saved["results"] if column_of(one) not in ran]
    with open(RESULTS, "w", encoding="ascii") as out:
        json.dump({"full": full, "kernels": releases, "results": results}, out, indent=1)
        out.write("\n")


def cell(outcomes):
    """refused 6; where machines differ, each outcome with its number."""
    counts = {}
    for one in outcomes:
        counts[one] = counts.get(one, 0) + 1
    return ", ".join("%s %d" % item for item in counts.items()) or "-"


def render(saved):
    """Lines of the table: a row for each attack, a column for each kernel and CPU model."""
    cells, columns = {}, []
    for one in saved["results"]:
        column = column_of(one)
        if column not in columns:
            columns.append(column)
        cells.setdefault(one["attack"], {}).setdefault(column, []).append(one["outcome"])
    # A flavour beside its series.
    columns.sort(key=lambda column: (configs.KERNELS.index(column[0].split("-")[0]),
                                     list(MODELS).index(column[1]), column[2]))
    heads = ["attack"] + [" ".join(filter(None, column)) for column in columns]
    command = "make test-full" if saved["full"] else "make test"
    yield "From `%s`, kernels %s." % (command, " and ".join(saved["kernels"].values()))
    yield ""
    yield "| " + " | ".join(heads) + " |"
    yield "|" + "---|" * len(heads)
    for name, row in cells.items():
        yield "| " + " | ".join([name] + [cell(row.get(column, [])) for column in columns]) + " |"


def read(path):
    with open(path, encoding="utf-8") as source:
        return source.read()


def block(text):
    """Where the table is, without the markers."""
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    return begin, end


def compare(results):
    """Does the table tell of just the attacks that there are? (good, name, detail)"""
    text = read(DOCUMENT)
    begin, end = block(text)
    told = set(re.findall(r"^\| ([a-z0-9-]+) \|", text[begin:end], re.MULTILINE)) - {"attack"}
    wrong = sorted(told ^ {one["attack"] for one in results})
    return not wrong, "table of attacks in docs/testing.md", \
        "make attack-table: differs in " + ", ".join(wrong)


def main():
    path = sys.argv[1] if len(sys.argv) == 2 else DOCUMENT
    try:
        saved = json.loads(read(RESULTS))
    except FileNotFoundError:
        print("holdfast: run make test-full (or make test) first: there is no %s" %
              os.path.relpath(RESULTS, place.TOP))
        return 1
    text = read(path)
    begin, end = block(text)
    with open(path, "w", encoding="utf-8") as out:
        out.write(text[:begin] + "\n" + "\n".join(render(saved)) + "\n" + text[end:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
