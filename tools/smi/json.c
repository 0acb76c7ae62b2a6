/* SPDX-License-Identifier: MIT */
/* The same for programs. */
#include <stdio.h>
#include <string.h>

#include "smi.h"

void json_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void json_processes(const struct device *d, const struct clients *all)
{
	const char *comma = "";

	printf("    \"processes\": [");
	for (size_t k = 0; k < all->count; k++) {
		const struct client *c = &all->list[k];

		if (strcmp(c->pci, d->pci))
			continue;
		printf("%s\n      { \"pid\": %d, \"name\": ", comma, c->pid);
		json_string(c->name);
		printf(", \"hbm_bytes\": %llu, \"host_bytes\": %llu, \"queues\": %u, "
		       "\"compute_ns\": %llu, \"copy_ns\": %llu }",
		       c->hbm, c->system, c->queues, c->compute_ns, c->copy_ns);
		comma = ",";
	}
	printf("%s]\n", *comma ? "\n    " : "");
}

static void json_device(int index, const struct device *d, const struct clients *all)
{
	const dsaTelemetry *t = &d->now;

	printf("  {\n    \"index\": %d,\n    \"name\": ", index);
	json_string(d->prop.name);
	printf(",\n    \"pci\": \"%s\",\n    \"path\": ", d->pci);
	json_string(d->prop.devicePath);
	printf(",\n    \"serial\": \"%llu\",\n", (unsigned long long)d->prop.serialNumber);
	printf("    \"cores\": %d,\n    \"memory_total_bytes\": %zu,\n"
	       "    \"memory_used_bytes\": %zu,\n",
	       d->prop.coreCount, t->memoryTotal, t->memoryTotal - t->memoryFree);
	printf("    \"pinned_host_bytes\": %zu,\n", t->systemMemoryUsed);
	printf("    \"compute_queues\": %d,\n    \"compute_queues_used\": %u,\n",
	       d->prop.computeQueueCount, t->computeQueuesUsed);
	printf("    \"copy_queues\": %d,\n    \"copy_queues_used\": %u,\n", d->prop.copyQueueCount,
	       t->copyQueuesUsed);
	printf("    \"temperature_c\": %.3f,\n    \"power_w\": %.3f,\n    \"clock_mhz\": %d,\n",
	       t->temperature / 1000.0, t->power / 1000.0, t->clockRate / 1000);
	printf("    \"ecc_corrected\": %u,\n    \"ecc_uncorrected\": %u,\n    \"resets\": %u,\n",
	       t->eccCorrected, t->eccUncorrected, t->resets);
	printf("    \"memory_temperature_c\": %.3f,\n    \"faults\": %llu,\n"
	       "    \"timeouts\": %llu,\n    \"engine_resets\": %llu,\n"
	       "    \"device_resets\": %llu,\n    \"lost_interrupts\": %llu,\n",
	       t->memoryTemperature / 1000.0, (unsigned long long)t->faults,
	       (unsigned long long)t->timeouts, (unsigned long long)t->engineResets,
	       (unsigned long long)t->deviceResets, (unsigned long long)t->lostInterrupts);
	printf("    \"busy_compute_ns\": %llu,\n    \"busy_copy_ns\": %llu,\n"
	       "    \"device_time_ns\": %llu,\n",
	       (unsigned long long)t->busyCompute, (unsigned long long)t->busyCopy,
	       (unsigned long long)t->deviceTime);
	json_processes(d, all);
	printf("  }");
}

void print_json(const struct view *view)
{
	int runtime = 0, driver = 0;

	dsaRuntimeGetVersion(&runtime);
	dsaDriverGetVersion(&driver);
	printf("{\n\"library\": \"%d.%d\",\n\"driver\": \"%d.%d\",\n\"devices\": [\n",
	       runtime / 1000, runtime % 1000 / 10, driver / 1000, driver % 1000 / 10);
	for (int i = view->first; i < view->end; i++) {
		json_device(i, &view->devices[i], &view->clients);
		printf("%s\n", i + 1 < view->end ? "," : "");
	}
	printf("]\n}\n");
}
