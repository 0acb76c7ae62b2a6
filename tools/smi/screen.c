/* SPDX-License-Identifier: MIT */
/* Devices and processes for a person. */
#include <stdio.h>
#include <string.h>

#include "smi.h"

static double mib(unsigned long long bytes)
{
	return (double)bytes / (1 << 20);
}

static void print_device(int index, const struct device *d)
{
	const dsaTelemetry *t = &d->now;

	printf("device %d  %s  %s  %s\n", index, d->prop.name, d->pci, d->prop.devicePath);
	printf("  memory       %.0f of %.0f MiB used, %.0f MiB of host memory pinned\n",
	       mib(t->memoryTotal - t->memoryFree), mib(t->memoryTotal), mib(t->systemMemoryUsed));
	printf("  queues       compute %u of %d, copy %u of %d\n", t->computeQueuesUsed,
	       d->prop.computeQueueCount, t->copyQueuesUsed, d->prop.copyQueueCount);
	printf("  temperature  %.1f C, HBM %.1f C    power  %.1f W    clock  %d MHz\n",
	       t->temperature / 1000.0, t->memoryTemperature / 1000.0, t->power / 1000.0,
	       t->clockRate / 1000);
	printf("  ECC          %u corrected, %u uncorrected    resets  %u\n", t->eccCorrected,
	       t->eccUncorrected, t->resets);
	printf("  stopped      %llu by faults, %llu timed out    reset  %llu engines, %llu devices\n",
	       (unsigned long long)t->faults, (unsigned long long)t->timeouts,
	       (unsigned long long)t->engineResets, (unsigned long long)t->deviceResets);
	printf("  busy         compute %.3f core-ms, copy %.3f engine-ms (modelled)\n",
	       (double)t->busyCompute / 1e6, (double)t->busyCopy / 1e6);
}

static void print_processes(const struct view *view)
{
	const struct clients *all = &view->clients;
	const struct device *devices = view->devices;
	bool none = true;

	printf("processes\n");
	for (int i = view->first; i < view->end; i++) {
		for (size_t k = 0; k < all->count; k++) {
			const struct client *c = &all->list[k];

			if (strcmp(c->pci, devices[i].pci))
				continue;
			if (none)
				printf("  %6s  %7s  %10s  %10s  %6s  %10s  %10s  %s\n", "device",
				       "pid", "HBM MiB", "host MiB", "queues", "core ms", "copy ms",
				       "name");
			none = false;
			printf("  %6d  %7d  %10.1f  %10.1f  %6u  %10.3f  %10.3f  %s\n", i, c->pid,
			       mib(c->hbm), mib(c->system), c->queues, (double)c->compute_ns / 1e6,
			       (double)c->copy_ns / 1e6, c->name);
		}
	}
	if (none)
		printf("  none\n");
}

void print_screen(const struct view *view)
{
	int runtime = 0, driver = 0;

	dsaRuntimeGetVersion(&runtime);
	dsaDriverGetVersion(&driver);
	printf("dsa-smi    driver " DRIVER " %d.%d    libdsa %d.%d\n", driver / 1000,
	       driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
	for (int i = view->first; i < view->end; i++)
		print_device(i, &view->devices[i]);
	print_processes(view);
}
