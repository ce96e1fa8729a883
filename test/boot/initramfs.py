# SPDX-License-Identifier: GPL-2.0-only
"""The initial file system of a test machine: a newc archive, written here so that no tool of the
host is needed and the result depends on its contents only."""

import os
import stat

import stock


class Archive:
    def __init__(self):
        self.data = bytearray()
        self.inode = 0
        self.folders = set()

    def _entry(self, name, mode, content=b"", rdev=(0, 0)):
        self.inode += 1
        path = name.encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, 0, len(content), 0, 0, rdev[0], rdev[1],
                  len(path), 0)
        self.data += b"070701" + b"".join(b"%08X" % f for f in fields) + path
        self._pad()
        self.data += content
        self._pad()

    def _pad(self):
        self.data += b"\0" * (-len(self.data) % 4)

    def folder(self, name):
        if name and name not in self.folders:
            self.folder(os.path.dirname(name))
            self.folders.add(name)
            self._entry(name, stat.S_IFDIR | 0o755)

    def file(self, name, content, mode=0o644):
        self.folder(os.path.dirname(name))
        self._entry(name, stat.S_IFREG | mode, content)

    def device(self, name, major, minor):
        self.folder(os.path.dirname(name))
        self._entry(name, stat.S_IFCHR | 0o600, rdev=(major, minor))

    def write(self, path):
        self._entry("TRAILER!!!", 0)
        temporary = path + ".new"
        with open(temporary, "wb") as out:
            out.write(self.data)
        os.replace(temporary, path)


def content(path):
    if path.endswith(stock.SUFFIXES):
        return stock.read(path)
    with open(path, "rb") as source:
        return source.read()


def build(path, programs, files):
    """Writes an initramfs to path. programs and files map a guest path to a host path; a path that
    does not exist is left out, and the case that needs it says so."""
    archive = Archive()
    # The kernel opens the console before PID 1 can mount devtmpfs.
    archive.device("dev/console", 5, 1)
    for folder in ("proc", "sys", "tmp"):
        archive.folder(folder)
    for table, mode in ((programs, 0o755), (files, 0o644)):
        for guest, host in sorted(table.items()):
            if os.path.exists(host):
                archive.file(guest.lstrip("/"), content(host), mode)
    archive.write(path)
