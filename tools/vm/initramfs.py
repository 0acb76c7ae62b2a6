# SPDX-License-Identifier: MIT
"""The initramfs of dsa-vm's guest: its init and the modules that it needs before the host's root is there."""

import lzma
import os
import subprocess
import zlib

# What mounts the host's root; and what a DRM/accel driver stands on, loaded beside it to save time.
ROOT_MODULES = ["9p", "9pnet_virtio"]
DRIVER_MODULES = ["drm", "gpu-sched", "drm_gpuvm", "drm_exec", "drm_buddy", "drm_shmem_helper"]
INITIAL_MODULES = ROOT_MODULES + DRIVER_MODULES


class ModuleError(Exception):
    pass


class ModuleTree:
    """A lib/modules/VERSION folder: where a module is, and what must be loaded before it."""

    def __init__(self, folder):
        self.folder = folder
        self.path = {}
        self.needs = {}
        try:
            with open(os.path.join(folder, "modules.dep")) as dep:
                for line in dep:
                    path, _, needs = line.partition(":")
                    self.path[module_name(path)] = path
                    self.needs[path] = needs.split()
            with open(os.path.join(folder, "modules.builtin")) as builtin:
                self.builtin = {module_name(line.strip()) for line in builtin}
        except OSError as error:
            raise ModuleError(f"{folder} is no folder of kernel modules: {error}") from error

    def in_load_order(self, names):
        """Files (below the folder) for the named modules and all they need, each once."""
        order = []
        for name in names:
            key = name.replace("-", "_")
            if key in self.builtin:
                continue
            if key not in self.path:
                raise ModuleError(f"the kernel of {self.folder} has no module {name}")
            path = self.path[key]
            # modules.dep lists everything a module needs, the deepest need last.
            order += [need for need in reversed(self.needs[path]) if need not in order]
            if path not in order:
                order.append(path)
        return order


def module_name(path):
    return os.path.basename(path).split(".")[0].replace("-", "_")


def read_module(path):
    with open(path, "rb") as file:
        data = file.read()
    if path.endswith(".xz"):
        return lzma.decompress(data)
    if path.endswith(".zst"):
        return subprocess.run(["zstd", "-dqc"], input=data, stdout=subprocess.PIPE, check=True).stdout
    if path.endswith(".gz"):
        import gzip

        return gzip.decompress(data)
    return data


SIGNATURE_END = b"~Module signature appended~\n"


def without_signature(data):
    """The module without Debian's signature: checking it costs the guest more than all else in loading."""
    if not data.endswith(SIGNATURE_END):
        return data
    # Before the magic text: a 12-byte structure that ends in the signature's length.
    end = len(data) - len(SIGNATURE_END)
    return data[: end - 12 - int.from_bytes(data[end - 4 : end], "big")]


def module_needs(path):
    """Names that a module file says it depends on: "depends=a,b" in its .modinfo."""
    at = (data := read_module(path)).find(b"\0depends=")
    if at < 0:
        return []
    at += len(b"\0depends=")
    names = data[at : data.index(b"\0", at)].decode()
    return names.split(",") if names else []


def entry(name, mode, data=b"", device=(0, 0)):
    """One entry of a cpio archive in the "newc" form."""
    path = name.encode() + b"\0"
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + path
    head += b"\0" * (-len(head) % 4)
    return head + data + b"\0" * (-len(data) % 4)


def build(init, tree):
    """The archive's bytes. Not compressed: the guest would take longer to unpack than to read it."""
    with open(init, "rb") as file:
        parts = [entry("init", 0o100755, file.read())]
    parts.append(entry("dev", 0o040755))
    parts.append(entry("dev/console", 0o020600, device=(5, 1)))
    parts.append(entry("modules", 0o040755))
    for group, names in (("root", ROOT_MODULES), ("driver", DRIVER_MODULES)):
        parts.append(entry(f"modules/{group}", 0o040755))
        for index, path in enumerate(tree.in_load_order(names) if tree else []):
            data = without_signature(read_module(os.path.join(tree.folder, path)))
            parts.append(entry(f"modules/{group}/{index:02}-{module_name(path)}.ko", 0o100644, data))
    parts.append(entry("TRAILER!!!", 0))
    return b"".join(parts)


def loaded_by_init(tree):
    return {module_name(path) for path in tree.in_load_order(INITIAL_MODULES)}


def cached(folder, init, tree):
    """The archive's path below a folder, built when its parts are newer. None: no place to keep it."""
    digest = zlib.crc32(os.path.realpath(tree.folder).encode())
    target = os.path.join(folder, f"initramfs-{os.path.basename(tree.folder)}-{digest:08x}")
    sources = [init, os.path.join(tree.folder, "modules.dep"), os.path.realpath(__file__)]
    try:
        made = os.stat(target).st_mtime_ns
        if all(os.stat(source).st_mtime_ns < made for source in sources):
            return target
    except FileNotFoundError:
        pass
    data = build(init, tree)
    temporary = f"{target}.{os.getpid()}"
    try:
        os.makedirs(folder, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(data)
        os.rename(temporary, target)
    except OSError:
        return None
    return target
