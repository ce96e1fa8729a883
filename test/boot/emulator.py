# SPDX-License-Identifier: GPL-2.0-only
"""What the emulator does wrong by itself, and how that is told from a failure of Holdfast."""

import re

VMRUN = b"\x0f\x01\xd8"
LINE = re.compile(r'name="hypervisor memory" access=walk .* cpu=0 rip=0x([0-9a-f]+) .* gpa=0x([0-9a-f]+) ')

# A breakpoint nobody knows: the byte before RIP.
HIT = re.compile(rb"\] (?:Oops: )?int3: (?:[^\n]*\n){1,8}?[^\n]*Code: [^<\n]*([0-9a-f]{2}) <")


def resumes(image):
    """Where the hypervisor goes on after an exit: page offsets of what follows VMRUN."""
    with open(image, "rb") as source:
        data = source.read()
    return {(at.start() + len(VMRUN)) % 4096 for at in re.finditer(re.escape(VMRUN), data)}


def launched(events):
    """Has the hypervisor run? Its own port is silent before."""
    return bool(events.strip())


def forgot_exit(events, resume):
    """Has QEMU gone on with nested paging behind an exit? A thread of another CPU can set the flag
    that says so, of the first CPU, to what it was (docs/testing.md, "The machines"): the
    hypervisor's own fetch behind VMRUN then fails in the nested tables, in the entry of its own
    top-level table for that very address. No guest gets there: what it fetches from the
    hypervisor's memory is refused as that, and an address that it can fetch from is not behind
    VMRUN."""
    for line in LINE.finditer(events):
        rip, entry = (int(word, 16) for word in line.groups())
        tops = {(rip >> shift & 511) * 8 for shift in (39, 48)}
        if rip % 4096 in resume and entry % 4096 in tops:
            return True
    return False


def stale_breakpoint(console, events):
    """Has QEMU run a breakpoint that was no longer there, before the lock? Where one thread
    translates what another is patching it can keep the bytes of before (docs/testing.md, "The
    machines"). A kernel waits for every CPU before it forgets a breakpoint, so that none is ever hit
    where the byte before RIP is another. Behind the lock the hypervisor takes part in patching, and
    it may be to blame."""
    return "kind=locked" not in events and any(
        hit.group(1) != b"cc" for hit in HIT.finditer(console))
