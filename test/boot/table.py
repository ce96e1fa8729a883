# SPDX-License-Identifier: GPL-2.0-only
"""Tables for people: cells wrap to the width of the terminal, colour only on a terminal."""

import os
import shutil
import sys
import textwrap

COLOURS = {"red": "31", "green": "32", "yellow": "33", "bold": "1"}


def terminal():
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def paint(text, colour):
    if not colour or not terminal():
        return text
    return "\033[%sm%s\033[0m" % (COLOURS[colour], text)


def width():
    return max(80, min(shutil.get_terminal_size((120, 25)).columns, 140))


def render(heads, rows, flexible):
    """Lines of a table. rows: lists of (text, colour). flexible: column -> share of the width that
    the other columns leave; those wrap."""
    natural = [max(len(row[i][0]) for row in [[(h, None) for h in heads]] + rows)
               for i in range(len(heads))]
    fixed = sum(n for i, n in enumerate(natural) if i not in flexible)
    room = width() - fixed - 2 * (len(heads) - 1)
    widths = [min(n, max(10, int(room * flexible[i]))) if i in flexible else n
              for i, n in enumerate(natural)]
    lines = [paint("  ".join(h.ljust(w) for h, w in zip(heads, widths)).rstrip(), "bold"),
             "  ".join("-" * w for w in widths)]
    for row in rows:
        cells = [textwrap.wrap(text, w) or [""] for (text, _), w in zip(row, widths)]
        for i in range(max(map(len, cells))):
            parts = [paint((cell[i] if i < len(cell) else "").ljust(w), colour)
                     for cell, w, (_, colour) in zip(cells, widths, row)]
            lines.append("  ".join(parts).rstrip())
    return lines


class Progress:
    """One line that says what goes on: rewritten in place on a terminal, else only its ends."""

    def __init__(self, text):
        self.text = text
        self.shown = 0
        if terminal():
            self.update("")
        else:
            print("holdfast: %s ..." % text, flush=True)

    def update(self, note):
        if terminal():
            line = "holdfast: %s %s" % (self.text, note)
            print("\r" + line.ljust(self.shown), end="", flush=True)
            self.shown = len(line)

    def end(self, note):
        if terminal():
            self.update(note)
            print(flush=True)
        else:
            print("holdfast: %s: %s" % (self.text, note), flush=True)
