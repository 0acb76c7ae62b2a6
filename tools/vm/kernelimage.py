# SPDX-License-Identifier: MIT
"""Kernel images: which version one is, and the plain ELF image inside a compressed one."""

import lzma
import os
import re
import shutil
import struct
import subprocess
import zlib

import pieces

ELF_MAGIC = b"\x7fELF"
# Xen's note 18 names the entry that QEMU uses to start an ELF image (PVH).
PVH_NOTE = struct.pack("<3I", 4, 8, 18) + b"Xen\0"
PVH_NOTE_32 = struct.pack("<3I", 4, 4, 18) + b"Xen\0"


def read(path):
    try:
        with open(path, "rb") as image:
            return image.read()
    except OSError as error:
        raise pieces.Missing(f"cannot read the kernel image {path}: {error.strerror}") from error


def version(path):
    """What "uname -r" says under this kernel."""
    data = read(path)
    if data[:4] == ELF_MAGIC:
        found = re.search(rb"Linux version ([^ \0]+)", data)
    elif data[0x202:0x206] == b"HdrS":
        at = struct.unpack_from("<H", data, 0x20E)[0] + 0x200
        found = re.match(rb"([^ \0]+)", data[at : at + 128])
    else:
        raise pieces.Missing(f"{path} is no Linux kernel image for x86: neither bzImage nor ELF")
    if not found:
        raise pieces.Missing(f"{path} does not say which version it is; name its modules with --modules")
    return found.group(1).decode()


def payload(data):
    """The compressed image inside a bzImage, None where there is none."""
    if data[0x202:0x206] != b"HdrS" or struct.unpack_from("<H", data, 0x206)[0] < 0x208:
        return None
    offset, length = struct.unpack_from("<II", data, 0x248)
    start = ((data[0x1F1] or 4) + 1) * 512 + offset
    return data[start : start + length]


def decompress(data):
    """None for a compression that nothing here knows. The last 4 bytes are the size, not data."""
    if data[:4] == b"\x28\xb5\x2f\xfd" and shutil.which("zstd"):
        done = subprocess.run(["zstd", "-dqc"], input=data[:-4], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return done.stdout
    if data[:6] == b"\xfd7zXZ\0":
        try:
            return lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(data)
        except lzma.LZMAError:
            return None
    return None


def bootable(folder, path):
    """The file to give to QEMU: the plain image where it can be taken out, for an emulated CPU needs a
    second and more to decompress it. It is kept in folder."""
    target = os.path.join(folder, f"vmlinux-{version(path)}-{zlib.crc32(os.path.realpath(path).encode()):08x}")
    try:
        if os.stat(target).st_mtime_ns > os.stat(path).st_mtime_ns:
            return target
    except FileNotFoundError:
        pass
    inner = payload(read(path))
    image = decompress(inner) if inner else None
    if not image or image[:4] != ELF_MAGIC or not (PVH_NOTE in image or PVH_NOTE_32 in image):
        return path
    try:
        os.makedirs(folder, exist_ok=True)
        with open(f"{target}.{os.getpid()}", "wb") as file:
            file.write(image)
        os.rename(f"{target}.{os.getpid()}", target)
    except OSError:
        return path
    return target
