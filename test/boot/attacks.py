# SPDX-License-Identifier: GPL-2.0-only
"""What became of each attack without and with Holdfast."""

import re

# enum hf_event_kind, hf_access and hf_action of include/holdfast/event.h, in words.
KINDS = {1: "launched", 2: "locked", 3: "memory", 4: "register", 5: "virtualization",
         6: "hypercall", 7: "I/O port", 8: "guest lost", 10: "CPU start", 11: "patch"}
NOTES = (1, 2)
ACCESSES = {1: "read", 2: "write", 3: "execute", 4: "page walk"}
ACTIONS = {1: "denied", 2: "skipped", 3: "allowed", 4: "stopped"}
DENIED = (1, 2, 4)
ALLOWED = 3

# HF_ASSET_PLATFORM
MACHINE = 0x08000000

# Assets by the names the attack module gives them.
NEVER_ALLOWED = {"hypervisor memory", "nested virtualization", "restart of a CPU", "APIC_BASE",
                 "PAT", "CR0.NW", "A20 gate"}
# Refused before the hypervisor is asked: no event can tell.
BY_AGENT = {"launch"}
# What these attacks do in the end is an attack on another asset, which allow lets pass.
UNDER_ALLOW_UNDEFINED = {"hypercalls", "launch"}

# enum hf_enforcement.
BY_HARDWARE, BY_FALLBACK = 1, 2

# What an event must name for an attack on memory, or on what is no register. The first step of an
# attack that clears CR0.WP is refused already.
WRITE_PROTECT = "CR0.WP"
NAMES = {
    "text": {"kernel text", WRITE_PROTECT},
    "kernel execution": {"guest memory"},
    "rodata": {"kernel read-only data", WRITE_PROTECT},
    "syscall table": {"kernel read-only data", WRITE_PROTECT},
    "ro-after-init": {"kernel read-only data", "kernel data read-only after init", WRITE_PROTECT},
    "IDT": {"exception vectors"},
    # A function of a module may call a trampoline, which then is what is attacked.
    "module text": {"module text", "code made at run time"},
    "hypervisor memory": {"hypervisor memory"},
    "nested virtualization": {"EFER.SVME", "CR4.VMXE", "virtualization instructions"},
    "hypercalls": {"hypercall interface", "kernel text"},
    "CPU state": {"kernel text", "machine"},
    "A20 gate": {"I/O port 0x92", "I/O port 0x64"},
    "page tables": {"machine", "hypervisor memory", "absent memory"},
}
# No other event may come of these. The instruction cannot be read: an event that names what it would
# have changed says that the hypervisor followed the page tables. (The processor may: of that tell the
# two events about memory. Intel's also says which register would have been written with what.)
NOTHING_ELSE = {"page tables"}

# The hypervisor's own line about an event, on its own port.
EVENT = re.compile(r"holdfast: event seq=(\d+) kind=(\w+) action=(\w+) asset=(0x\w+) "
                   r'name="([^"]*)" access=(\w+)')


def tells_of(event, asset):
    """Whether the event names what an attack on asset went for. The machine as a whole stands for
    a register where the instruction could not be read."""
    name = event.get("name", "")
    if asset == "sleep registers":
        return name.startswith("I/O port ")
    if asset in NAMES and name in NAMES[asset]:
        return True
    if asset == "CPU state" or asset not in NAMES:
        return name == asset or name.startswith(asset + ".") or name == "machine" or \
            (asset == "CPU state" and name.startswith(("CR", "EFER")))
    return False


class Attack:
    """One attack of the suite."""

    def __init__(self, offer):
        self.name = offer["name"]
        self.title = offer["title"]
        self.gives = offer["gives"]
        self.asset = offer["asset"]
        self.open = offer["open"]
        self.reason = offer["reason"]
        self.closed_by = offer.get("closed_by", "")     # not open where this is in force
        self.closing = (BY_HARDWARE,) if offer.get("by_hardware") else (BY_HARDWARE, BY_FALLBACK)
        self.control = offer["control"]     # bare, prelaunch or prelock
        self.alone = offer.get("own_vm", False)
        self.stops = offer.get("stops", False)  # refusing it stops the machine
        self.cpus = max(1, offer.get("cpus", 1))
        self.lacking = offer.get("absent", "")  # what the CPU has not that this attack is about
        self.may_lack = set()               # what CPUs of this model have not
        self.handed = False                 # the CPU tells the hypervisor what would be written
        self.without = None                 # record of the control
        self.with_it = None                 # record after lock
        self.events = []                    # recorded during it, after lock
        self.lost = False                   # the machine went with it, after lock

    def control_mode(self):
        """Of the machine in which the control runs."""
        return "bare" if self.control == "bare" else "control"

    def absent(self):
        """Cannot be shown on this CPU: the guest found by CPUID what it lacks, and did not try."""
        return "absent" in (self.outcome(self.without), self.outcome(self.with_it))

    def problem_absent(self):
        """Why it should have been tried, or "". What a model lacks the driver knows by itself."""
        if self.lacking not in self.may_lack:
            return "was not tried, but this machine has %s" % self.lacking
        if self.outcome(self.without) != self.outcome(self.with_it):
            return "was tried in one machine only"
        return ""

    def outcome(self, record):
        if record:
            return record["outcome"]
        return "machine lost" if self.lost and not self.with_it else "not run"

    def succeeds_without(self):
        return self.outcome(self.without) == "succeeded"

    def succeeds_with(self):
        return self.outcome(self.with_it) == "succeeded"

    def event(self):
        """The event that stands for this attack, or None."""
        events = [event for event in self.events if event["kind"] not in NOTES]
        for event in events:
            if self.is_told_by(event):
                return event
        return events[0] if events else None

    def is_told_by(self, event):
        """Whether it is of this attack. Where that is what closes an attack, what was refused is to run
        a page that is no code."""
        return tells_of(event, self.asset) or (
            self.closed_by and not self.open and tells_of(event, "kernel execution"))

    def stopped(self):
        """Whether the machine came to its end when this attack was refused, as it has to."""
        return self.stops and self.lost and any(event["action"] in DENIED and
                                                tells_of(event, self.asset)
                                                for event in self.events)

    def counted(self):
        """Events that the hypervisor counted during the attack, those included that found the ring
        full because an attack before this one had flooded it."""
        return self.with_it.get("events", 0) if self.with_it else 0

    def problem_control(self):
        """Why this attack proves nothing, or ""."""
        if not self.succeeds_without():
            return "does not succeed without Holdfast: %s" % explain(self.without)
        if self.open and self.lost:
            return ""
        if self.outcome(self.with_it) not in ("succeeded", "refused"):
            return "gave no result with Holdfast: %s" % (
                explain(self.with_it) if self.with_it else self.outcome(None))
        return ""

    def problem(self):
        """Why the suite fails on this attack, or ""."""
        if self.absent():
            return self.problem_absent()
        if self.problem_control() or self.open:
            return self.problem_control()
        if self.succeeds_with():
            return "succeeds with Holdfast: %s" % explain(self.with_it)
        if self.asset in BY_AGENT:
            return ""
        if not self.event() and not self.counted():
            return "was refused, but no event tells of it"
        if self.event() and self.event()["action"] not in DENIED:
            return "was refused, but the event says %s" % ACTIONS.get(self.event()["action"])
        for event in self.events if self.asset in NOTHING_ELSE else filter(None, [self.event()]):
            if event["kind"] in NOTES or (self.handed and self.asset in NOTHING_ELSE):
                continue
            if not self.is_told_by(event):
                return "was refused, but the event names %s" % event.get("name")
        return ""

    def problem_allow(self, allowed):
        """The same for a machine that was launched with the action allow: everything succeeds and
        is recorded, but for what allow never gives up. allowed: assets with an event that says so;
        one is enough, since a page that was opened once causes no second event."""
        if self.absent():
            return self.problem_absent()
        if self.asset in UNDER_ALLOW_UNDEFINED:
            return ""
        if self.asset in NEVER_ALLOWED:
            return self.problem()
        if self.problem_control() or self.open:
            return self.problem_control()
        if self.event() and self.event()["asset"] == MACHINE:
            return ""       # what cannot even be read cannot be let pass
        if not self.succeeds_with():
            return "was not allowed: %s" % explain(self.with_it)
        if self.asset not in allowed:
            return "was allowed, but no event tells of it"
        return ""


def explain(record):
    if record is None:
        return "not run"
    return "%s (%s)" % (record["outcome"], record.get("detail", ""))


def describe(attack):
    """What the hypervisor recorded, in a few words: write kernel text, denied."""
    event = attack.event()
    if not event:
        return "%d counted, ring full" % attack.counted() if attack.counted() else "-"
    name = event.get("name") or "asset %#x" % event["asset"]
    access = ACCESSES.get(event["access"])
    what = "%s %s" % (access, name) if access else name
    return "#%d %s, %s" % (event["event"], what, ACTIONS.get(event["action"], "noted"))


def phase_events(boot):
    """Yields (attack record, events recorded during it), in the order they came."""
    events = []
    for record in boot.report.records:
        if "event" in record:
            events.append(record)
        elif "attack" in record:
            yield record, events
            events = []


def last_events(boot):
    """What the hypervisor wrote about a machine that was lost: there was nobody to report it."""
    kinds = {"memory": 3, "register": 4, "port": 7, "fatal": 8}
    accesses = {"write": 2, "walk": 4}
    actions = {"deny": 1, "skip": 2, "allow": 3, "kill": 4}
    return [{"event": int(number), "kind": kinds.get(kind, 0), "action": actions.get(action, 0),
             "asset": int(asset, 16), "name": name, "access": accesses.get(access, 0)}
            for number, kind, action, asset, name, access in EVENT.findall(boot.events())
            if kind not in ("launched", "locked")]


def collect(boots):
    """Attacks, in the order the module lists them, from boots with and without Holdfast."""
    attacks = {}
    for boot in boots:
        for offer in boot.report.offers:
            attack = attacks.setdefault(offer["name"], Attack(offer))
            attack.handed = boot.machine.model.intel
            attack.may_lack = boot.machine.model.lacks | \
                (set() if boot.machine.firmware else {"EFI"})
        for attack in attacks.values():
            if boot.report.protections.get(attack.closed_by) in attack.closing:
                attack.open = False
        for record, events in phase_events(boot):
            attack = attacks[record["attack"]]
            if record["phase"] == "locked":
                attack.with_it = record
                attack.events = events
            elif record["phase"] == attack.control:
                attack.without = record
        name = boot.report.trying
        if name and boot.machine.doomed and boot.report.phase == "locked":
            attacks[name].lost = True
            attacks[name].events = last_events(boot)
            if attacks[name].stopped():
                attacks[name].with_it = {"outcome": "refused", "detail": "the machine stopped"}
    return list(attacks.values())


def allowed_assets(attacks):
    """Assets of which an event says that an attack was let pass."""
    return {attack.asset for attack in attacks
            if any(event["action"] == ALLOWED for event in attack.events)}


def lonely(boot):
    """Attacks that may take the machine with them. Each needs two machines of its own, as small as can
    be: then they run side by side."""
    return [attack for attack in map(Attack, boot.report.offers) if attack.alone]
