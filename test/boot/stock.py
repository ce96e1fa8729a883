# SPDX-License-Identifier: GPL-2.0-only
"""Which stock modules the load cases use."""

import lzma
import os
import struct

# Modules with static keys, static calls and tracepoints of their own, and of the kernel.
PATCHED = ("jbd2", "tls")

# A module as it is, or compressed, as later kernels come.
SUFFIXES = (".ko", ".ko.xz")


def read(path):
    """The bytes of a module."""
    with open(path, "rb") as source:
        data = source.read()
    return lzma.decompress(data) if path.endswith(".xz") else data


def plain_name(path):
    """The name of its file, not compressed."""
    name = os.path.basename(path)
    return name[:-3] if name.endswith(".xz") else name


def sections(data):
    """Name -> bytes of each section of a 64-bit little-endian ELF file."""
    offset, = struct.unpack_from("<Q", data, 0x28)
    size, count, names = struct.unpack_from("<HHH", data, 0x3a)

    def header(index):
        # sh_name, sh_offset, sh_size
        at = offset + index * size
        return struct.unpack_from("<I", data, at) + struct.unpack_from("<QQ", data, at + 24)

    _, strings, _ = header(names)
    result = {}
    for index in range(count):
        name, start, length = header(index)
        begin = strings + name
        result[data[begin:data.index(b"\0", begin)].decode()] = data[start:start + length]
    return result


def usable(path):
    """Nothing else must be loaded first."""
    info = sections(read(path)).get(".modinfo", b"").split(b"\0")
    return b"depends=" in info and not any(word.startswith(b"softdep=") for word in info)


def depends(path):
    """Names of the modules that path needs loaded first."""
    info = sections(read(path)).get(".modinfo", b"").split(b"\0")
    for word in info:
        if word.startswith(b"depends="):
            return [name for name in word[8:].decode().split(",") if name]
    return []


def closure(folder, wanted):
    """Paths of a module and all it depends on, in the order they must be loaded; none if the kernel
    has it built in, or not at all."""
    paths = {}
    for path, _, files in os.walk(os.path.join(folder, "modules", "kernel")):
        for name in files:
            if name.endswith(SUFFIXES):
                paths[name.split(".")[0].replace("-", "_")] = os.path.join(path, name)
    order = []

    def add(name):
        path = paths[name.replace("-", "_")]
        for other in depends(path):
            add(other)
        if path not in order:
            order.append(path)

    if wanted.replace("-", "_") in paths:
        add(wanted)
    return order


def modules(folder, want=8):
    """Paths of stock modules below /lib/modules/<release> of the kernel in folder. Libraries,
    because their loading has no effect on the machine (those named test_* refuse to stay), and
    some that the kernel patches when they come."""
    found = []
    root = os.path.join(folder, "modules", "kernel", "lib")
    for path, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            if name.endswith(SUFFIXES) and not name.startswith("test_"):
                full = os.path.join(path, name)
                if usable(full):
                    found.append(full)
    return found[:want] + [path for name in PATCHED for path in closure(folder, name)]
