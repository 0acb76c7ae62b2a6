# SPDX-License-Identifier: MIT
# Prints the commands of a Makefile: "target: ... ## text" lines below "##@ heading" lines.
BEGIN { print "make COMMAND [VARIABLE=value...]" }
/^##@ / { printf "\n%s\n", substr($0, 5) }
/^[a-z][a-z_.-]*:.*## / {
	target = $1; sub(/:.*/, "", target)
	text = $0; sub(/.*## /, "", text)
	printf "  %-22s %s\n", target, text
}
END {
	print "\nVariables"
	print "  B=DIR                  results go there (build)"
	print "  V=1                    show the commands"
	print "  KDIR=DIR               kernel headers for the driver, instead of Debian's"
	print "  KERNEL=FILE            kernel image that the VM boots, instead of Debian's"
	print "  QEMU=FILE              a qemu-system-x86_64 that has the device"
	print "  PREFIX=DIR DESTDIR=DIR where make install puts things (/usr/local)"
	print "  ONLY=NAME,...          which benchmarks make bench runs"
	print "  DEBIAN_MIRROR=URI      archive for set-up, instead of the one in this machine's apt sources"
}
