/* SPDX-License-Identifier: MIT */
/* The devices as libdsa tells of them. */
#include <stdio.h>
#include <stdlib.h>

#include "smi.h"

void die_of(const char *what)
{
	dsaErrorInfo info;

	dsaGetLastErrorInfo(&info);
	fprintf(stderr, "dsa-smi: %s: %s\n", what, info.text);
	exit(1);
}

static struct device read_device(int index)
{
	struct device d;

	if (dsaGetDeviceProperties(&d.prop, index))
		die_of("properties");
	if (dsaDeviceGetTelemetry(&d.now, index))
		die_of("telemetry");
	snprintf(d.pci, sizeof(d.pci), "%04x:%02x:%02x.%x",
		 (unsigned int)d.prop.pciDomainID & 0xffff, (unsigned int)d.prop.pciBusID & 0xff,
		 (unsigned int)d.prop.pciDeviceID & 0xff, (unsigned int)d.prop.pciFunctionID & 0xf);
	return d;
}

struct view view_read(int first, int end)
{
	struct view view = { .first = first, .end = end };

	view.devices = calloc((size_t)end, sizeof(*view.devices));
	if (!view.devices) {
		fprintf(stderr, "dsa-smi: out of memory\n");
		exit(1);
	}
	for (int i = first; i < end; i++)
		view.devices[i] = read_device(i);
	clients_read(&view.clients);
	return view;
}

void view_free(struct view *view)
{
	free(view->devices);
	free(view->clients.list);
}
