#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""make bench: what Holdfast costs. Times as ratios of interleaved boots without and with it, or not
locked and locked, on one CPU; instructions from a boot in which the emulator counts them. Also in build/bench.json."""

import json
import os
import statistics
import sys

sys.dont_write_bytecode = True

import place
import qemu
import table

PAIRS = int(os.environ.get("HF_BENCH_PAIRS", "5"))
# Ratio -> what is measured for it, in nanoseconds, and the boot that the locked one is compared with.
TIMES = {"fork_exec.ratio": ("time.fork", "bare"), "syscall.ratio": ("time.syscall", "bare"),
         "memory.ratio": ("time.memory", "bare"), "cpu.ratio": ("time.cpu", "bare"),
         "tracer.ratio": ("tracer.passed", "launched"),
         "tracer.bare_ratio": ("tracer.passed", "bare")}
MEBIBYTE = 1 << 20
TARGETS = {"fork_exec.ratio": 1.12, "syscall.ratio": 1.05, "memory.ratio": 1.05, "cpu.ratio": 1.05,
           "tracer.ratio": 2, "steady.exits": 0, "syscall.exits": 0, "hypercall.instructions": 150,
           "key.exits": 3, "key.instructions": 6000, "tracer.exits": 3,
           "tracer.instructions": 6000, "registry.bytes": MEBIBYTE,
           "memory.bytes": 16 * MEBIBYTE + (1 << 30) // 500}
# The tracer is set after lock.
POLICY = place.more_words(ftrace="on")
TWO_TABLE = place.more_words(**{"exec-control": "two-table"})


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
    """Ratio -> list of (without, locked) nanoseconds, one round of boots each. The least of the
    rounds of a boot counts: whatever else the host does only ever makes a loop slower."""
    pairs = {name: [] for name in TIMES}
    for number in range(1, PAIRS + 1):
        least = {}
        for mode in ("bare", "launched", "locked"):
            measures = boot("bench-%s-%d" % (mode, number), mode,
                            "tracer" if mode == "launched" else "time,tracer",
                            "pair %d of %d, %s" % (number, PAIRS, mode), POLICY, limit=600)
            least[mode] = {source: min(values) for source, values in measures.items()}
        for name, (source, without) in TIMES.items():
            pairs[name].append((least[without][source], least["locked"][source]))
    return pairs


def counting(name, mode, cases, policy=POLICY):
    """Boots where a nanosecond is an instruction. Everything random is off, so that two runs
    agree."""
    return boot("bench-instructions-" + name, mode, cases, "counting instructions, " + name,
                cpu="rdrand=off,rdseed=off", extra=["-icount", "shift=0"], limit=900,
                append=policy + " nokaslr norandmaps randomize_kstack_offset=off")


def patching(name, bare, locked):
    """What one place costs more than without, each way; and what all of it costs, as a ratio."""
    work = [min(measures[name + ".worked"]) for measures in (bare, locked)]
    places = [measures[name + ".places"][0] for measures in (bare, locked)]
    return {name + ".exits": round(locked[name + ".exits"][0] / places[1], 2),
            name + ".instructions": round(work[1] / places[1] - work[0] / places[0]),
            name + ".instruction_ratio": round(work[1] / work[0], 3)}


def system_calls(prefix, bare, locked):
    """Exits of each, and what it costs more than without."""
    calls = locked["syscall.calls"][0]
    work = [min(measures["syscall.worked"]) / calls for measures in (bare, locked)]
    return {prefix + "exits": round(locked["syscall.exits"][0] / calls /
                                    len(locked["syscall.worked"]), 3),
            prefix + "instructions": round(work[1] - work[0], 1)}


def instructions():
    """Instructions of a null hypercall, of launch and of lock, of patching, and of system calls, also
    with execute control by two tables."""
    locked = counting("locked", "locked", "instructions,syscall,key,tracer")
    bare = counting("bare", "bare", "syscall,key,tracer")
    two = counting("two-table", "locked", "syscall", TWO_TABLE)
    value = {name: values[0] for name, values in locked.items()}
    scale = value["loop.instructions"] / value["loop.ticks"]
    if not 0.98 < scale < 1.02:
        raise Failed("a tick is %.3f instructions, not one: the emulator does not count" % scale)
    results = {"hypercall.instructions": round(scale * value["hypercall.ticks"] /
                                               value["hypercall.calls"], 1),
               "launch.instructions": round(scale * value["launch.ticks"]),
               "lock.instructions": round(scale * value["lock.ticks"])}
    for name in ("key", "tracer"):
        results.update(patching(name, bare, locked))
    results.update(system_calls("syscall.", bare, locked))
    results.update(system_calls("two_table.syscall.", bare, two))
    return results


def run():
    results = {}
    steady = boot("bench-steady", "locked", "steady,memory,registry", "exits in steady state")
    for name in ("steady.exits", "memory.bytes", "registry.sites", "registry.bytes"):
        results[name] = steady[name][0]
    results.update(instructions())
    pairs = timings()
    for name in TIMES:
        results[name] = round(statistics.median(
            locked / without for without, locked in pairs[name]), 3)
    return results, pairs


def show(results, pairs):
    rows = []
    for name in sorted(results):
        target = TARGETS.get(name)
        met = target is None or results[name] <= target
        ratios = sorted(locked / without for without, locked in pairs.get(name, ()))
        spread = "%.3f .. %.3f" % (ratios[0], ratios[-1]) if ratios else ""
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
