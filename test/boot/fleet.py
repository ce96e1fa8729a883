# SPDX-License-Identifier: GPL-2.0-only
"""Several test machines side by side, as far as the host has CPUs (HF_JOBS overrules)."""

import os
import threading

import qemu


def cores():
    return len(os.sched_getaffinity(0))


def capacity():
    return max(1, int(os.environ.get("HF_JOBS", "0")) or cores())


def capacity_timed():
    """The same for machines most of whose time is loads that last so many seconds, however much
    they get done: half as many again."""
    return capacity() if "HF_JOBS" in os.environ else (3 * capacity() + 1) // 2


def demand(machine):
    """CPUs of the host that a machine keeps busy. Kernels start on one of theirs, and most of what
    is done after that is done by one: with 2 CPUs 1.05 of the host's were used on average."""
    return (machine.threads() + 1) // 2


def boot_all(machines, folder, started=None, ended=None, room=None):
    """Boots machines, in order, side by side; returns their Boots in the same order. started and
    ended are called with the machine and the Boot, never two at once. room: CPUs of the
    host that there are for them."""
    room = room or capacity()
    free = room
    change = threading.Condition()
    boots = [None] * len(machines)

    def run(index, weight):
        nonlocal free
        boot = qemu.boot(machines[index], folder)
        with change:
            if qemu.stopping():
                return      # its emulator was ended: that says nothing of the machine
            boots[index] = boot
            free += weight
            change.notify_all()
            if ended:
                ended(boot)

    threads = []
    for index, machine in enumerate(machines):
        weight = min(demand(machine), room)
        with change:
            while free < weight:
                change.wait()
            free -= weight
            if started:
                started(machine)
        thread = threading.Thread(target=run, args=(index, weight), daemon=True)
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()
    return boots
