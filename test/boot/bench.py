#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""make bench: what Holdfast costs. Times as ratios of interleaved boots without and with it, or not
locked and locked, on one CPU; instructions from a boot in which the emulator counts them. Also in
build/bench.json.

  bench.py --system-calls	exits and instructions of a system call alone, in three boots
"""

import argparse
import json
import os
import statistics
import sys

sys.dont_write_bytecode = True

import place
import qemu
import table

PAIRS = int(os.environ.get("HF_BENCH_PAIRS", "5"))
# Ratio -> what is measured for it, in nanoseconds, and the two boots that are compared.
TIMES = {"fork_exec.ratio": ("time.fork", "bare", "locked"),
         "syscall.ratio": ("time.syscall", "bare", "locked"),
         "memory.ratio": ("time.memory", "bare", "locked"),
         "cpu.ratio": ("time.cpu", "bare", "locked"),
         "tracer.ratio": ("tracer.passed", "launched", "locked"),
         "tracer.bare_ratio": ("tracer.passed", "bare", "locked"),
         "two_table.fork_exec.ratio": ("time.fork", "bare", "two-table"),
         "two_table.syscall.ratio": ("time.syscall", "bare", "two-table"),
         "two_table.memory.ratio": ("time.memory", "bare", "two-table"),
         "two_table.cpu.ratio": ("time.cpu", "bare", "two-table")}
MEBIBYTE = 1 << 20
TARGETS = {"fork_exec.ratio": 1.12, "syscall.ratio": 1.05, "memory.ratio": 1.05, "cpu.ratio": 1.05,
           "tracer.ratio": 2, "steady.exits": 0, "syscall.exits": 0, "hypercall.instructions": 150,
           "key.exits": 3, "key.instructions": 6000, "tracer.exits": 3,
           "tracer.instructions": 6000, "registry.bytes": MEBIBYTE,
           "memory.bytes": 16 * MEBIBYTE + (1 << 30) // 500}
# The tracer is set after lock.
POLICY = place.more_words(ftrace="on")
# With it no tracer is, for what that runs nobody has verified.
TWO_TABLE = place.more_words(**{"exec-control": "two-table"})
# What the boots of a round are, in this order: mode, cases, policy.
ROUND = {"bare": ("bare", "time,tracer", POLICY), "launched": ("launched", "tracer", POLICY),
         "locked": ("locked", "time,tracer", POLICY), "two-table": ("locked", "time", TWO_TABLE)}


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
    """Ratio -> list of (without, with) nanoseconds, one round of boots each. The least of the
    rounds of a boot counts: whatever else the host does only ever makes a loop slower."""
    pairs = {name: [] for name in TIMES}
    for number in range(1, PAIRS + 1):
        least = {}
        for kind, (mode, cases, policy) in ROUND.items():
            measures = boot("bench-%s-%d" % (kind, number), mode, cases,
                            "round %d of %d, %s" % (number, PAIRS, kind), policy, limit=600)
            least[kind] = {source: min(values) for source, values in measures.items()}
        for name, (source, without, with_it) in TIMES.items():
            pairs[name].append((least[without][source], least[with_it][source]))
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


def system_calls(bare, locked, two):
    """What one costs without Holdfast; its exits and what it costs more, locked, and with execute
    control by two tables."""
    def of_one(measures):
        return min(measures["syscall.worked"]) / measures["syscall.calls"][0]
    results = {"bare.syscall.instructions": round(of_one(bare), 1)}
    for prefix, measures in (("", locked), ("two_table.", two)):
        calls = measures["syscall.calls"][0] * len(measures["syscall.worked"])
        results[prefix + "syscall.exits"] = round(measures["syscall.exits"][0] / calls, 3)
        results[prefix + "syscall.instructions"] = round(of_one(measures) - of_one(bare), 1)
    return results


def system_calls_alone():
    return system_calls(counting("bare", "bare", "syscall"),
                        counting("locked", "locked", "syscall"),
                        counting("two-table", "locked", "syscall", TWO_TABLE))


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
    results.update(system_calls(bare, locked, two))
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
            with_it / without for without, with_it in pairs[name]), 3)
    return results, pairs


def show(results, pairs):
    rows = []
    for name in sorted(results):
        target = TARGETS.get(name)
        met = target is None or results[name] <= target
        ratios = sorted(with_it / without for without, with_it in pairs.get(name, ()))
        spread = "%.3f .. %.3f" % (ratios[0], ratios[-1]) if ratios else ""
        rows.append([(name, None), (str(results[name]), "green" if met else "red"),
                     ("" if target is None else "<= %s" % target, None), (spread, None)])
    print()
    for line in table.render(["", "measured", "target", "least .. most"], rows, {}):
        print(line)
    if pairs:
        print("\nRatios are medians of %d rounds of boots under emulation (QEMU TCG, 1 CPU): "
              "logic, not silicon." % PAIRS)


def main():
    parser = argparse.ArgumentParser(description="What Holdfast costs.")
    parser.add_argument("--system-calls", action="store_true", help="only what each costs")
    args = parser.parse_args()
    try:
        if args.system_calls:
            show(system_calls_alone(), {})
            return 0
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
