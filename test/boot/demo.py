#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""make demo: a stock kernel boots without and with Holdfast, is attacked, and a table tells."""

import sys

sys.dont_write_bytecode = True

import attacks as attack_list
import fleet
import place
import qemu
import table

# Without the guard of the APIC an emulated CPU tells nobody of INIT.
FURTHER = place.more_words(guard="apic")


def boot(mode, name, text):
    """One boot with every attack that can share a machine."""
    progress = table.Progress(text)
    tried = []

    def watch(record):
        if "attack" in record:
            tried.append(record)
            progress.update("%d attacks: %s" % (len(tried), record["attack"]))

    result = qemu.boot(place.machine(name, mode, "", "", cpus=2, further=FURTHER), place.LOGS, watch)
    progress.end(result.problem or "%d attacks tried, %.0f s" % (len(tried), result.seconds))
    return result


def boot_lonely(lonely):
    """Attacks that may take the machine with them, each without and with Holdfast in machines of
    their own."""
    machines = [place.machine("demo-%s-%s" % (mode, attack.name), mode, "", attack.name,
                              cpus=attack.cpus, doomed=True, further=FURTHER)
                for attack in lonely for mode in (attack.control_mode(), "locked")]
    progress = table.Progress("%d attacks that may take the machine with them" % len(lonely))
    done = []

    def ended(result):
        done.append(result)
        progress.update("%d of %d machines" % (len(done), len(machines)))

    results = fleet.boot_all(machines, place.LOGS, ended=ended)
    progress.end("%d machines, %.0f s" % (len(results), sum(r.seconds for r in results)))
    return results


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
    return [("  " + attack.title, None), (words.get(without, without), "red"),
            (words.get(with_it, with_it) + (" (open)" if attack.open else ""), good),
            (attack_list.describe(attack), None)]


def show(attacks):
    """One line for each attack, under what it would give: that is the same for many."""
    rows, gives = [], None
    for attack in [a for a in attacks if not a.open] + [a for a in attacks if a.open]:
        if attack.gives != gives:
            gives = attack.gives
            rows.append([("to get: " + gives, "bold")] + [("", None)] * 3)
        rows.append(row(attack))
    print()
    for line in table.render(["attack, by what it would give", "without", "with",
                              "event recorded"], rows, {0: 0.6, 3: 0.4}):
        print(line)
    print()
    for attack in attacks:
        if attack.open:
            print("open: %s: %s" % (attack.title, attack.reason))
    for attack in attacks:
        if attack.problem():
            print(table.paint("wrong: %s: %s" % (attack.title, attack.problem()), "red"))


def summary(attacks):
    """Open attacks are counted as open, whatever became of them: they are not defended yet. What this
    machine cannot show has not been tried."""
    tried = [a for a in attacks if a.without and a.with_it and not a.absent()]
    return "attacks: %d tried, %d succeed without Holdfast, %d succeed with it, %d open" % (
        len(tried), sum(a.succeeds_without() for a in tried),
        sum(a.succeeds_with() and not a.open for a in tried), sum(a.open for a in tried))


def main():
    kernel = "Debian kernel " + place.release()
    boots = [boot("bare", "demo-bare", kernel + ", without Holdfast"),
             boot("locked", "demo-locked", kernel + ", with Holdfast")]
    lonely = attack_list.lonely(boots[0])
    if lonely:
        boots += boot_lonely(lonely)
    broken = [complain(result) for result in boots]
    attacks = attack_list.collect(boots)
    if attacks:
        show(attacks)
    print(summary(attacks))
    return 1 if not attacks or any(broken) or any(a.problem() for a in attacks) else 0


if __name__ == "__main__":
    sys.exit(main())
