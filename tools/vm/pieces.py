# SPDX-License-Identifier: MIT
"""Where the parts of the VM are: in a checkout below build/, installed below PREFIX/lib/dsa."""

import os


class Missing(Exception):
    """A part is not there; the text says which and what to do."""


class Pieces:
    def __init__(self, home):
        """home: the folder of these files: tools/vm of a checkout, or lib/dsa/vm of an installation."""
        top = os.path.dirname(os.path.dirname(home))
        self.in_tree = os.path.exists(os.path.join(top, "tools", "dsa-vm"))
        if self.in_tree:
            self.top = top
            build = os.environ.get("B") or "build"
            self.build = os.path.normpath(os.path.join(top, build))
            self.qemu = os.path.join(self.build, "qemu", "qemu-system-x86_64")
            self.bios = os.path.join(self.build, "qemu", "bios")
            self.kernel = os.path.join(self.build, "kernel", "vmlinuz")
            modules = os.path.join(self.build, "kernel", "modules", "lib", "modules")
            self.init = os.path.join(self.build, "vm", "guest-init")
            self.cache = os.path.join(self.build, "vm")
            self.driver = os.path.join(self.build, "driver", "dsa_accel.ko")
            self.remedy = f"run make in {top}"
        else:
            self.top = os.path.dirname(home)
            self.build = None
            self.qemu = os.path.join(self.top, "qemu-system-x86_64")
            self.bios = os.path.join(self.top, "bios")
            self.kernel = os.path.join(self.top, "vmlinuz")
            modules = os.path.join(self.top, "modules")
            self.init = os.path.join(home, "guest-init")
            self.cache = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "dsa-vm")
            self.driver = os.path.join(self.top, "dsa_accel.ko")
            self.remedy = "install it with make install"
        # What make has been told holds for the tools that it starts.
        own_qemu = self.qemu
        self.qemu = os.environ.get("QEMU") or self.qemu
        # Somebody else's QEMU (in an installation, a link to it) brings its firmware along.
        if (self.qemu != own_qemu or os.path.islink(own_qemu)) and not os.path.exists(self.bios):
            self.bios = None
        kernel = os.path.abspath(os.environ.get("KERNEL") or self.kernel)
        if kernel != self.kernel:
            self.use_kernel(kernel, None)
        else:
            self.modules = self.own_modules(modules)

    def own_modules(self, modules):
        """Those of our kernel; an installation with somebody else's kernel has none of its own."""
        if not os.path.exists(self.kernel):
            return None
        import kernelimage

        version = kernelimage.version(self.kernel)
        folder = os.path.join(modules, version)
        return folder if os.path.exists(folder) else f"/lib/modules/{version}"

    def use_kernel(self, kernel, modules):
        self.kernel = kernel
        import kernelimage

        self.modules = modules or f"/lib/modules/{kernelimage.version(kernel)}"

    def use_debug(self, kind):
        """A kernel of make debug-kernel, and the driver that was built for it."""
        folder = os.path.join(self.build or self.top, "debug", kind)
        self.remedy = f"run make test-debug or make test-kcsan in {self.top}; the kinds are kasan and kcsan"
        kernel = self.need(os.path.join(folder, "kernel", "vmlinux"), "the debug kernel")
        import kernelimage

        self.use_kernel(kernel, os.path.join(folder, "modules", "lib", "modules", kernelimage.version(kernel)))
        self.driver = os.path.join(folder, "driver", "dsa_accel.ko")

    def need(self, path, what):
        if not path or not os.path.exists(path):
            raise Missing(f"{what} is missing: {path or 'not known where'}\n{self.remedy}")
        return path
