# SPDX-License-Identifier: GPL-2.0-only
"""What the holdfast command said on a locked machine, held against what else is known."""

import json
import re

ENFORCEMENTS = {"hardware", "fallback", "not enforced", "at lock"}


def answers(boot):
    """Question -> parsed answer; raises ValueError where one is no JSON."""
    return {question: json.loads(text) for question, text in boot.report.said.items()}


def event_lines(boot):
    """Sequence number -> kind of each event in the hypervisor's own copy on the serial port."""
    return {int(number): kind for number, kind in
            re.findall(r"^holdfast: event seq=(\d+) kind=(\S+)", boot.events(), re.MULTILINE)}


def check(boot):
    """Yields (what, good, detail)."""
    try:
        said = answers(boot)
        yield from check_stats(said["stats"], boot.machine.cpus)
        yield from check_status(said["status"], boot.machine.cpus)
        yield from check_events(said["events"], event_lines(boot))
    except (ValueError, KeyError, TypeError) as error:
        yield "command --json", False, "%s: %s" % (type(error).__name__, error)


def check_stats(stats, cpus):
    totals = [cpu["total"] for cpu in stats["cpus"]]
    good = len(totals) == cpus and sum(totals) == stats["total"] and all(
        sum(cpu["exits"].values()) == cpu["total"] for cpu in stats["cpus"])
    yield "stats add up", good, str(stats)[:500]


def check_status(status, cpus):
    good = (status["state"], status["cpus"], status["cpus_locked"]) == ("locked", cpus, cpus)
    yield "status is locked", good, str(status)[:500]
    plain = [p["name"] for p in status["protections"]
             if p["enforcement"] != "hardware" and not p["reason"]]
    yield "status gives reasons", bool(status["protections"]) and not plain, \
        "no reason for: " + ", ".join(plain)


def check_events(events, lines):
    """The guest's list must be the hypervisor's own."""
    listed = {event["sequence"]: event["kind"] for event in events["events"]}
    yield "events agree with the serial copy", bool(lines) and listed == lines, \
        "listed %s, on the port %s" % (sorted(listed.items())[:20], sorted(lines.items())[:20])
