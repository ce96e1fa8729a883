#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""make bench: what Holdfast costs. Times as ratios of interleaved boots without and with it, on one
CPU; instructions from a boot in which the emulator counts them. Also in build/bench.json."""

import json
import os
import statistics
import sys

sys.dont_write_bytecode = True

import place
import qemu
import table

PAIRS = int(os.environ.get("HF_BENCH_PAIRS", "5"))
LOOPS = {"fork": "fork_exec", "syscall": "syscall", "memory": "memory", "cpu": "cpu"}
TARGETS = {"fork_exec.ratio": 1.12, "syscall.ratio": 1.05, "memory.ratio": 1.05, "cpu.ratio": 1.05,
           "steady.exits": 0, "hypercall.instructions": 150}
MEBIBYTE = 1 << 20


class Failed(Exception):
    pass


def boot(name, mode, cases, text, append="", **machine):
    """Boots; raises Failed unless everything asked for was done."""
    progress = table.Progress(text)
    result = qemu.boot(place.machine(name, mode, cases, further=append, **machine), place.LOGS)
    progress.end("%.0f s" % result.seconds)
    if result.problem:
        raise Failed("%s: %s (logs: %s)" % (name, result.problem, result.logs["console"]))
    for case in result.report.cases:
        if case["status"] != "pass":
            raise Failed("%s: %s: %s" % (name, case["case"], case["detail"]))
    return result.report.measures


def timings():
    """Loop -> list of (bare, locked) nanoseconds, one pair of boots each. The least of the rounds
    of a boot counts: whatever else the host does only ever makes a loop slower."""
    pairs = {loop: [] for loop in LOOPS}
    for number in range(1, PAIRS + 1):
        least = {}
        for mode in ("bare", "locked"):
            measures = boot("bench-%s-%d" % (mode, number), mode, "time",
                            "pair %d of %d, %s" % (number, PAIRS, mode))
            least[mode] = {loop: min(measures["time." + loop]) for loop in LOOPS}
        for loop in LOOPS:
            pairs[loop].append((least["bare"][loop], least["locked"][loop]))
    return pairs


def instructions():
    """Instructions of a null hypercall, of launch and of lock. Everything random is off, so that
    two runs agree."""
    measures = boot("bench-instructions", "locked", "instructions",
                    "counting instructions", cpu="rdrand=off,rdseed=off",
                    append="nokaslr norandmaps randomize_kstack_offset=off",
                    extra=["-icount", "shift=0"], limit=600)
    value = {name: values[0] for name, values in measures.items()}
    scale = value["loop.instructions"] / value["loop.ticks"]
    if not 0.98 < scale < 1.02:
        raise Failed("a tick is %.3f instructions, not one: the emulator does not count" % scale)
    return {"hypercall.instructions": round(scale * value["hypercall.ticks"] /
                                            value["hypercall.calls"], 1),
            "launch.instructions": round(scale * value["launch.ticks"]),
            "lock.instructions": round(scale * value["lock.ticks"])}


def run():
    results = {}
    steady = boot("bench-steady", "locked", "steady,memory", "exits in steady state")
    results["steady.exits"] = steady["steady.exits"][0]
    results["memory.bytes"] = steady["memory.bytes"][0]
    results.update(instructions())
    pairs = timings()
    for loop, name in LOOPS.items():
        results[name + ".ratio"] = round(statistics.median(
            locked / bare for bare, locked in pairs[loop]), 3)
    return results, pairs


def show(results, pairs):
    rows = []
    for name in sorted(results):
        target = TARGETS.get(name)
        if name == "memory.bytes":
            target = 16 * MEBIBYTE + (1 << 30) // 500
        met = target is None or results[name] <= target
        spread = ""
        for loop, key in LOOPS.items():
            if name == key + ".ratio":
                ratios = sorted(locked / bare for bare, locked in pairs[loop])
                spread = "%.3f .. %.3f" % (ratios[0], ratios[-1])
        rows.append([(name, None), (str(results[name]), "green" if met else "red"),
                     ("" if target is None else "<= %s" % target, None), (spread, None)])
    print()
    for line in table.render(["", "measured", "target", "least .. most"], rows, {}):
        print(line)
    print("\nRatios are medians of %d pairs of boots under emulation (QEMU TCG, 1 CPU): logic, not "
          "silicon." % PAIRS)


def main():
    try:
        results, pairs = run()
    except Failed as failed:
        print("holdfast: bench failed: %s" % failed)
        return 1
    path = os.path.join(place.BUILD, "bench.json")
    with open(path, "w", encoding="ascii") as out:
        json.dump(results, out, indent=1, sort_keys=True)
        out.write("\n")
    show(results, pairs)
    print("also in %s" % os.path.relpath(path, place.TOP))
    return 0


if __name__ == "__main__":
    sys.exit(main())
