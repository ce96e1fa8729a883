# SPDX-License-Identifier: GPL-2.0-only
"""The report of a test machine: one JSON object per line (docs/testing.md)."""

import json


class Report:
    """What a machine said on its report port, as it comes in."""

    def __init__(self, preamble=False):
        self.records = []     # all, in order
        self.start = {}       # what the machine is
        self.cases = []       # {"case", "status", "detail"}
        self.offers = []      # attacks, as the attack module describes them
        self.attacks = []     # {"attack", "phase", "outcome", ...}
        self.said = {}        # question -> what the holdfast command answered, as JSON text
        self.protections = {} # of those that attacks name: how each is enforced
        self.measures = {}    # name -> list of values
        self.begun = None     # the case that runs now
        self.trying = None    # the attack that runs now, and its phase
        self.phase = None
        self.ended = False
        self.garbage = []     # lines that are no record
        self._rest = b""
        self._preamble = preamble   # what comes before PID 1's first record is the firmware's

    def feed(self, data):
        """Takes bytes; returns the records that became complete."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        records = []
        for line in lines:
            line = line.strip(b"\r\0 ")
            if self._preamble:
                line = line[max(line.find(b'{"start":'), 0):]
                self._preamble = not line.startswith(b'{"start":')
            if not line or self._preamble:
                continue
            try:
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise ValueError
            except ValueError:
                self.garbage.append(line.decode("ascii", "replace"))
                continue
            self._take(record)
            records.append(record)
        return records

    def _take(self, record):
        self.records.append(record)
        if "case" in record:
            self.cases.append(record)
            self.begun = None
        elif "begin" in record:
            self.begun = record["begin"]
        elif "offer" in record:
            self.offers.append(record["offer"])
        elif "attack" in record:
            self.attacks.append(record)
            self.trying = None
        elif "left" in record and self.trying:
            # Said by what runs in the kernel's place: nobody is left to report.
            self.attacks.append({"attack": self.trying, "phase": self.phase,
                                 "outcome": "succeeded", "detail": record["left"]})
            self.records.append(self.attacks[-1])
            self.trying = None
            self.ended = True
        elif "try" in record:
            self.trying, self.phase = record["try"], record["phase"]
        elif "event" in record or "ask" in record:
            pass
        elif "protection" in record:
            self.protections[record["protection"]] = record["enforcement"]
        elif "said" in record:
            self.said[record["said"]] = record["text"]
        elif "measure" in record:
            self.measures.setdefault(record["measure"], []).append(record["value"])
        elif "start" in record:
            self.start = record
        elif record.get("end") is True:
            self.ended = True
        else:
            self.garbage.append(json.dumps(record))

    def case(self, name):
        for case in self.cases:
            if case["case"] == name:
                return case
        return None
