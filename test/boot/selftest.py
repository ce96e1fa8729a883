# SPDX-License-Identifier: GPL-2.0-only
"""What the drivers make of a report, on reports made up here: what must fail, must be seen to."""

import json
import os
import tempfile

import attacks
import emulator
import kept
import matrix
import qemu
from models import MODELS
from report import Report


class _Machine:
    def __init__(self, model):
        self.model = MODELS[model]
        self.doomed = False
        self.firmware = None


class _Boot:
    def __init__(self, model, records):
        self.machine = _Machine(model)
        self.report = Report()
        self.report.feed(b"".join(json.dumps(record).encode() + b"\n" for record in records))

    def events(self):
        return ""


OFFER = {"name": "a", "title": "t", "gives": "g", "asset": "CR4", "open": False, "reason": "",
         "control": "bare", "absent": "", "own_vm": False, "cpus": 0}
EVENT = {"event": 3, "kind": 4, "access": 2, "action": 1, "asset": 1, "name": "CR4.SMAP"}


def _attack(without, with_it, model="max", events=(), counted=0, **offer):
    """An attack with these outcomes, as collect makes it of two boots; None: it was not run."""
    records = {}
    for phase, outcome in (("bare", without), ("locked", with_it)):
        records[phase] = [{"offer": dict(OFFER, **offer)}]
        if phase == "locked":
            records[phase] += events
        if outcome:
            records[phase].append({"attack": "a", "phase": phase, "outcome": outcome,
                                   "detail": "", "events": counted})
    return attacks.collect([_Boot(model, records["bare"]), _Boot(model, records["locked"])])[0]


def _reports():
    """Yields (what, good)."""
    lines = b'\x1b[2Jfirmware\r\nno newline{"start": "6.1", "cpus": 1}\n{"end": true}\nx\n'
    report = Report(preamble=True)
    report.feed(lines)
    yield "what firmware says first is left out", report.start.get("cpus") == 1 and report.ended
    yield "what comes later is not", report.garbage == ["x"]
    report = Report()
    report.feed(lines)
    yield "nor anything without firmware", len(report.garbage) == 3 and not report.start


def _verdicts():
    def good(*args, **kwargs):
        return not _attack(*args, **kwargs).problem()

    yield "refused, with its event", good("succeeded", "refused", events=[EVENT])
    yield "refused, the event counted", good("succeeded", "refused", counted=1)
    yield "refused without event", not good("succeeded", "refused")
    yield "refused, another event", not good("succeeded", "refused",
                                             events=[dict(EVENT, name="LSTAR")])
    machine = dict(EVENT, name="machine")
    tables = dict(asset="page tables")
    yield "page tables not followed", good("succeeded", "refused", events=[machine], **tables)
    yield "page tables followed once", not good("succeeded", "refused",
                                                events=[machine, EVENT], **tables)
    yield "refused, allowed", not good("succeeded", "refused", events=[dict(EVENT, action=3)])
    yield "succeeds with Holdfast", not good("succeeded", "succeeded", events=[EVENT])
    yield "open", good("succeeded", "succeeded", open=True)
    yield "control refused", not good("refused", "refused", events=[EVENT])
    yield "open, control refused", not good("refused", "succeeded", open=True)
    yield "control not run", not good(None, "refused", events=[EVENT])
    yield "error", not good("succeeded", "error", events=[EVENT])
    lacks = dict(model="Opteron_G3", absent="SMAP")
    yield "absent", good("absent", "absent", **lacks)
    yield "absent where the model has it", not good("absent", "absent", absent="SMAP")
    yield "absent in one machine only", not good("absent", "refused", events=[EVENT], **lacks)
    yield "absent, but not run", not good("absent", None, **lacks)


def _emulator():
    line = ('holdfast: event seq=3 name="%s" access=%s cpl=0 cpu=%d rip=0x%x va=0x0 gpa=0x%x '
            'old=0x0\n')
    with tempfile.NamedTemporaryFile() as image:
        image.write(bytes(0x14e9) + emulator.VMRUN + bytes(9))
        image.flush()
        resume = emulator.resumes(image.name)
    hv, rip = "hypervisor memory", 0xffffcc748100b4ec

    def forgot(name, access, *event, cpu=0):
        return emulator.forgot_exit(line % (name, access, cpu, *event), resume)

    yield "no hypervisor", not emulator.launched("")
    yield "a hypervisor", emulator.launched('holdfast: event seq=1 kind=launched cpu=1\n')
    yield "an exit forgotten, four levels", forgot(hv, "walk", rip, 0x38cdcc0)
    yield "an exit forgotten, five levels", forgot(hv, "walk", 0xff6aa9c40080b4ec, 0x3cc9b50)
    yield "walk of another address", not forgot(hv, "walk", rip, 0x38cdcc8)
    yield "walk from elsewhere", not forgot(hv, "walk", rip + 1, 0x38cdcc0)
    yield "fetch of hypervisor memory", not forgot(hv, "execute", rip, 0x38cdcc0)
    yield "walk of other memory", not forgot("kernel text", "walk", rip, 0x38cdcc0)
    yield "walk by another CPU", not forgot(hv, "walk", rip, 0x38cdcc0, cpu=1)

    oops = (b"[   13.7] Oops: int3: 0000 [#1] PREEMPT SMP NOPTI\n[   13.7] CPU: 1 PID: 0\n"
            b"[   13.7] RIP: 0010:some+0xe88/0xf00\n[   13.7] Code: 24 30 %s <05> e9\n")
    yield "a breakpoint that was gone", emulator.stale_breakpoint(oops % b"eb", "")
    yield "a breakpoint that is there", not emulator.stale_breakpoint(oops % b"cc", "")
    yield "a breakpoint behind the lock", not emulator.stale_breakpoint(oops % b"eb", "kind=locked")


def _table():
    machine = {"kernel": "6.1", "model": "max", "cpus": 1, "la57": True}
    results = [{"attack": "a", "machine": machine, "outcome": outcome}
               for outcome in ("refused", "open", "refused")]
    saved = {"full": False, "kernels": {"6.1": "6.1.0"}, "results": results}
    yield "table", list(matrix.render(saved))[-1] == "| a | refused 2, open 1 |"
    other = dict(machine, cpus=2)
    first = [{"attack": "a", "machine": one, "how": "", "outcome": "open"}
             for one in (machine, other)]
    merged = matrix.merge(first, [dict(first[0], outcome="refused")])
    yield "outcome that replaces one", [one["outcome"] for one in merged] == ["open", "refused"]
    saved["results"] = merged + [dict(first[0], how="two-table")]
    yield "column by how it was launched", list(matrix.render(saved))[-3] == \
        "| attack | 6.1 max | 6.1 max two-table |"
    yield "outcome in the table", matrix.outcome(_attack("succeeded", "succeeded")) == "**fails**"
    yield "attack that the table does not have", not matrix.compare(results)[0]


def _kept():
    """What one run leaves, and the next one makes of it."""
    with tempfile.TemporaryDirectory() as folder:
        kernel = os.path.join(folder, "kernel")

        def machine(content, append=""):
            kept.digest_of_file.cache_clear()
            with open(kernel, "w", encoding="ascii") as out:
                out.write(content)
            return qemu.Machine(kernel, kernel, "m", append=append)

        def run(of, failures=()):
            """A run that boots it, and says so on its report port."""
            logs = qemu.log_paths(folder, of.name)
            with open(logs["report"], "w", encoding="ascii") as out:
                out.write('{"case": "c", "status": "pass", "detail": ""}\n')
            kept.Kept(folder).save(qemu.Boot(of, Report(), "", logs, 1), list(failures))

        yield "nothing is kept", not kept.Kept(folder).find(machine("a"))
        run(machine("a"))
        found = kept.Kept(folder).find(machine("a"))
        yield "taken over, with its report", found and found.report.case("c")
        yield "another machine is not", not kept.Kept(folder).find(machine("a", "hf.x=1"))
        run(machine("a"))
        yield "another build is not", not kept.Kept(folder).find(machine("b"))
        yield "nor what it was booted over", not kept.Kept(folder).find(machine("a"))
        run(machine("a"), ["bad"])
        keep = kept.Kept(folder)
        yield "a failure is not", not keep.find(machine("a"))
        run(machine("a"))
        keep = kept.Kept(folder)
        yield "but is told of", keep.find(machine("a")) and keep.again == {"m": "bad"}
        keep.spoil("m", ["worse"])
        yield "nor what failed beside another", not kept.Kept(folder).find(machine("a"))


def results():
    """Yields (what, good)."""
    for check in (_reports, _verdicts, _emulator, _table, _kept):
        yield from check()
