#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""make demo: a stock kernel boots without and with Holdfast, is attacked, and a table tells."""

import sys

import attacks as attack_list
import place
import qemu
import table


def boot(initrd, mode, names, name, text):
    """One boot with attacks; names "" means all that can share a machine."""
    machine = qemu.Machine(place.KERNEL, initrd, name, cpus=2,
                           append=place.words(mode=mode, attacks=names))
    progress = table.Progress(text)
    tried = []

    def watch(record):
        if "attack" in record:
            tried.append(record)
            progress.update("%d attacks: %s" % (len(tried), record["attack"]))

    result = qemu.boot(machine, place.LOGS, watch)
    progress.end(result.problem or "%d attacks tried, %.0f s" % (len(tried), result.seconds))
    return result


def complain(result):
    """Prints what is wrong with a boot as such; true if anything is."""
    problems = [result.problem] if result.problem else []
    problems += ["%s: %s" % (c["case"], c["detail"]) for c in result.report.cases
                 if c["status"] != "pass"]
    for problem in problems:
        print("holdfast: %s: %s" % (result.machine.name, problem))
    if problems:
        print("holdfast: logs: %s, %s" % (result.logs["console"], result.logs["report"]))
    return bool(problems)


def row(attack):
    without, with_it = attack.outcome(attack.without), attack.outcome(attack.with_it)
    good = "yellow" if attack.open else "green" if with_it == "refused" else "red"
    words = {"succeeded": "succeeds", "refused": "refused"}
    event = attack.event()
    return [(attack.title, None), (attack.gives, None),
            (words.get(without, without), "red"),
            (words.get(with_it, with_it) + (" (open)" if attack.open else ""), good),
            (attack_list.describe(event) if event else "-", None)]


def show(attacks):
    print()
    for line in table.render(["attack", "what it would give", "without", "with", "event recorded"],
                             [row(a) for a in attacks], {0: 0.32, 1: 0.38, 4: 0.30}):
        print(line)
    print()
    for attack in attacks:
        if attack.open:
            print("open: %s: %s" % (attack.title, attack.reason))
    for attack in attacks:
        if attack.problem():
            print(table.paint("wrong: %s: %s" % (attack.title, attack.problem()), "red"))


def summary(attacks):
    """Open attacks are counted as open, whatever became of them: they are not defended yet."""
    tried = [a for a in attacks if a.without and a.with_it]
    return "attacks: %d tried, %d succeed without Holdfast, %d succeed with it, %d open" % (
        len(tried), sum(a.succeeds_without() for a in tried),
        sum(a.succeeds_with() and not a.open for a in tried), sum(a.open for a in tried))


def main():
    initrd = place.initramfs()
    kernel = "Debian kernel " + place.release()
    bare = [boot(initrd, "bare", "", "demo-bare", kernel + ", without Holdfast")]
    locked = [boot(initrd, "locked", "", "demo-locked", kernel + ", with Holdfast")]
    for offer in bare[0].report.offers:
        if offer.get("own_vm"):
            name = offer["name"]
            bare.append(boot(initrd, "bare", name, "demo-bare-" + name,
                             "%s in a machine of its own, without" % name))
            locked.append(boot(initrd, "locked", name, "demo-locked-" + name,
                               "%s in a machine of its own, with" % name))
    broken = [complain(result) for result in bare + locked]
    attacks = list(attack_list.collect(bare, locked).values())
    if attacks:
        show(attacks)
    print(summary(attacks))
    return 1 if not attacks or any(broken) or any(a.problem() for a in attacks) else 0


if __name__ == "__main__":
    sys.exit(main())
