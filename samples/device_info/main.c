/* SPDX-License-Identifier: MIT */
/* device_info: what devices there are. */
#include "../check.h"

static void print_device(int device)
{
	dsaDeviceProp p;

	CHECK(dsaGetDeviceProperties(&p, device));
	printf("device %d: %s\n", device, p.name);
	printf("  %-22s %s, PCI %04x:%02x:%02x.%d\n", "at", p.devicePath, p.pciDomainID, p.pciBusID,
	       p.pciDeviceID, p.pciFunctionID);
	printf("  %-22s %d.%d, serial number %llu\n", "hardware", p.hardwareMajor, p.hardwareMinor,
	       (unsigned long long)p.serialNumber);
	printf("  %-22s %d at %d MHz\n", "cores", p.coreCount, p.clockRate / 1000);
	printf("  %-22s %zu KiB\n", "scratchpad per core", p.scratchpadPerCore >> 10);
	printf("  %-22s %d\n", "vector bits", p.vectorBits);
	printf("  %-22s %zu MiB at %d MB/s (modelled)\n", "memory", p.totalGlobalMem >> 20,
	       p.memoryBandwidth);
	printf("  %-22s %d\n", "copy engines", p.copyEngineCount);
	printf("  %-22s %d compute, %d copy\n", "queues", p.computeQueueCount, p.copyQueueCount);
}

int main(void)
{
	int count, runtime, driver;

	CHECK(dsaGetDeviceCount(&count));
	CHECK(dsaRuntimeGetVersion(&runtime));
	CHECK(dsaDriverGetVersion(&driver));
	printf("%d device%s; libdsa %d.%d, driver %d.%d\n", count, count == 1 ? "" : "s",
	       runtime / 1000, runtime % 1000 / 10, driver / 1000, driver % 1000 / 10);
	for (int i = 0; i < count; i++)
		print_device(i);
	return 0;
}
