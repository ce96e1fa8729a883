#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Every stock module of a kernel is signed by one of the certificates that this kernel has in it:

    signed.py PROGRAM SERIES

PROGRAM (test/authority/signed.c) is given the certificates found in the kernel image, and the files
of all modules, not compressed."""

import lzma
import os
import re
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "boot"))
import place  # noqa: E402
import stock  # noqa: E402

XZ, ZSTD = b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"

# SEQUENCE { SEQUENCE { [0] { INTEGER 2 }: a certificate of version 3, with two-byte lengths.
CERTIFICATE = re.compile(rb"\x30\x82(..)\x30\x82(..)\xa0\x03\x02\x01\x02", re.DOTALL)


def unpack(image):
    """The kernel in a bzImage (Documentation/arch/x86/boot.rst: setup_sects, payload_*)."""
    with open(image, "rb") as source:
        data = source.read()
    offset, length = struct.unpack_from("<II", data, 0x248)
    start = (data[0x1f1] + 1) * 512 + offset
    # Behind the compressed data are four bytes of its size before.
    payload = data[start:start + length - 4]
    if payload.startswith(XZ):
        return lzma.LZMADecompressor().decompress(payload)
    if payload.startswith(ZSTD):
        return subprocess.run(["zstd", "-dc"], input=payload, stdout=subprocess.PIPE,
                              check=True).stdout
    raise ValueError("%s: compressed in a way not known here" % image)


def certificates(kernel):
    for match in CERTIFICATE.finditer(kernel):
        whole, inner = (struct.unpack(">H", length)[0] for length in match.groups())
        if inner < whole:
            yield kernel[match.start():match.start() + 4 + whole]


def modules(folder):
    for path, folders, files in os.walk(os.path.join(folder, "modules", "kernel")):
        folders.sort()
        for name in sorted(files):
            if name.endswith(stock.SUFFIXES):
                yield stock.plain_name(name), stock.read(os.path.join(path, name))


def main():
    program, series = sys.argv[1:]
    folder = place.folder(series)
    with tempfile.TemporaryDirectory() as keys:
        paths = []
        for number, der in enumerate(certificates(unpack(os.path.join(folder, "vmlinuz")))):
            paths.append(os.path.join(keys, "%02d.der" % number))
            with open(paths[-1], "wb") as target:
                target.write(der)
        check = subprocess.Popen([program] + paths, stdin=subprocess.PIPE)
        for name, data in modules(folder):
            check.stdin.write(struct.pack("<QQ", len(data), len(name)) + name.encode() + data)
        check.stdin.close()
        return check.wait()


if __name__ == "__main__":
    sys.exit(main())
