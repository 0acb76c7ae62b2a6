# SPDX-License-Identifier: MIT
"""The QEMU process: its command line, and its start with the channels to it."""

import ctypes
import os
import signal
import socket
import subprocess

import inject

PR_SET_PDEATHSIG = 1

# Emulated, a fifth level of page tables only makes every walk longer; and kernel and C library take "rep stos" and
# "rep movs" where the CPU calls them fast, which here are the slowest: without, 64 MiB from /dev/zero take 18 ms, not
# 219 ms, filling 64 fresh MiB 81 ms, not 682 ms, 20000 copies of 4 KiB 57 ms, not 410 ms (medians of 5, the host busy); booting takes
# as long as before.
TCG_CPU = "max,la57=off,erms=off,fsrm=off,fsrs=off"

# Boot quickly and say little; stop at the first oops, and stop QEMU with it (-no-reboot).
KERNEL_WORDS = [
    "console=ttyS0", "rdinit=/init", "panic=-1", "oops=panic", "8250.nr_uarts=1", "mitigations=off",
    "tsc=reliable", "no_timer_check", "rcupdate.rcu_expedited=1", "cryptomgr.notests", "audit=0",
    "lsm=", "random.trust_cpu=on",
    # The firmware puts the window for large BARs into what it has reserved elsewhere: a device that comes back would
    # get none of it.
    "pci=no_e820",
    # Self-tests, certificates and BPF tables that nothing here uses, 0.6 s of an emulated boot.
    "initcall_blacklist=jent_mod_init,crypto_kdf108_init,load_system_certificate_list,init_encrypted,"
    "bpf_tcp_ca_kfunc_init,bpf_dummy_struct_ops_init",
]


def kvm_usable():
    """KVM where /dev/kvm can be opened and the CPU has the instructions for it."""
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC))
        with open("/proc/cpuinfo") as info:
            flags = next((line for line in info if line.startswith("flags")), "").split()
    except OSError:
        return False
    return "vmx" in flags or "svm" in flags


def quoted(value):
    """A value inside a QEMU option, where a comma ends it."""
    return value.replace(",", ",,")


class Machine:
    def __init__(self, options, pieces, kernel, initramfs, shares):
        self.options = options
        self.pieces = pieces
        self.shares = shares
        self.kernel = kernel
        self.initramfs = initramfs
        self.link, self.link_far = socket.socketpair()
        self.console, self.console_far = socket.socketpair()
        # The guest's orders, and QEMU's ear for them.
        self.orders, self.orders_far = socket.socketpair()
        self.ear, self.ear_far = socket.socketpair()
        self.process = None

    def command(self):
        o = self.options
        accel = o.accel
        if accel == "auto":
            accel = "kvm" if kvm_usable() else "tcg"
        machine = "q35,usb=off,sata=off,smbus=off,i8042=off,hpet=off,vmport=off"
        if o.iommu and accel == "kvm":
            machine += ",kernel-irqchip=split"
        words = [self.pieces.qemu, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-nic", "none"]
        cpu = TCG_CPU if o.cpu == "max" and accel == "tcg" else o.cpu
        words += (["-L", self.pieces.bios] if self.pieces.bios else []) + ["-machine", machine, "-cpu", cpu, "-smp", str(o.cpus), "-m", o.mem]
        words += ["-accel", "tcg,thread=multi" if accel == "tcg" else accel]
        words += ["-kernel", self.kernel, "-initrd", self.initramfs, "-append", self.kernel_line()]
        words += self.channel("console", self.console_far) + ["-serial", "chardev:console"]
        if o.iommu:
            words += ["-device", "intel-iommu,intremap=on,caching-mode=on,aw-bits=48"]
        words += ["-device", "virtio-serial-pci,max_ports=3"]
        words += self.channel("link", self.link_far) + ["-device", "virtserialport,nr=1,chardev=link,name=dsa-vm"]
        if o.inject:
            words += self.channel("inject", self.orders_far) + ["-device", f"virtserialport,nr=2,chardev=inject,name={inject.PORT_NAME}"]
            words += self.channel("ear", self.ear_far) + ["-mon", "chardev=ear,mode=control"]
        words += ["-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng"]
        words += self.share("root", "/", 0, ",readonly=on")
        for index, (tag, path) in enumerate(self.shares):
            words += self.share(tag, path, 1 + index, "")
        for index in range(o.devices):
            words += self.device(index)
        if o.qmp:
            words += ["-qmp", f"unix:{quoted(o.qmp)},server=on,wait=off"]
        if o.gdb:
            words += ["-gdb", f"tcp:127.0.0.1:{o.gdb}" if o.gdb.isdigit() else f"unix:{quoted(o.gdb)},server=on,wait=off"]
        return words + o.qemu_arg

    def kernel_line(self):
        words = list(KERNEL_WORDS)
        # The console is for what the log cannot bring any more: errors and panics, or all when it is kept.
        words.append("loglevel=8" if self.options.console_log else "loglevel=4")
        if self.options.iommu:
            words.append("intel_iommu=on")
        return " ".join(words + self.options.append)

    def channel(self, name, far):
        return ["-chardev", f"socket,id={name},fd={far.fileno()}"]

    def share(self, tag, path, index, more):
        """Eight functions a slot, below ports: there they can keep their state when the guest sleeps, for Linux's
        driver of such files cannot bring it back."""
        port, function = divmod(index, 8)
        words = [] if function else ["-device", f"pcie-root-port,id=files{port},chassis={100 + port},slot={100 + port}"]
        place = f"bus=files{port},addr=0.{function},multifunction=on,x-pcie-pm-no-soft-reset=on"
        return words + [
            "-fsdev", f"local,id={tag},path={quoted(path)},security_model=none,multidevs=remap{more}",
            "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag},{place}",
        ]

    def device(self, index):
        # A faster port says that it reports whether its link is up; with ACPI's hotplug QEMU never sets that,
        # and the kernel takes every reset of the bus for failed. Room for what comes back: the firmware's gap
        # fits only while the device is there.
        room = ",pref64-reserve=8G" if self.options.inject else ""
        port = ["-device", f"pcie-root-port,id=port{index},chassis={index + 1},slot={index + 1},x-speed=5{room}"]
        return port + ["-device", f"dsa,id=dsa{index},bus=port{index}{self.properties()}"]

    def properties(self):
        return "".join("," + text for text in self.options.device_opts)

    def start(self):
        def die_with_parent():
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

        fars = [self.link_far, self.console_far, self.orders_far, self.ear_far]
        self.process = subprocess.Popen(
            self.command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[far.fileno() for far in fars],
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
        for far in fars:
            far.close()
        if self.options.inject:
            inject.start(self.orders, self.ear, self.properties())

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
