/* SPDX-License-Identifier: MIT */
/*
 * dsa-smi top: what the devices and each process did between two looks. Shares
 * are of modelled time: an engine that worked all the time that passed on the
 * device is at 100 %.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "smi.h"

/* A process on a device. */
struct row {
	const struct client *client;
	int device;
	double compute, copy; /* percent of all engines */
};

static double percent(unsigned long long busy, unsigned long long time, int engines)
{
	return time && engines > 0 ? 100.0 * (double)busy / ((double)time * engines) : 0;
}

static unsigned long long grown(unsigned long long now, unsigned long long before)
{
	return now > before ? now - before : 0;
}

/* Modelled time that passed on a device. */
static unsigned long long passed(const struct view *now, const struct view *before, int device)
{
	return grown(now->devices[device].now.deviceTime, before->devices[device].now.deviceTime);
}

static struct row make_row(const struct view *now, const struct view *before,
			   const struct client *c, int device)
{
	const struct client *was = clients_find(&before->clients, c);
	const dsaDeviceProp *prop = &now->devices[device].prop;
	unsigned long long time = passed(now, before, device);

	return (struct row){
		.client = c,
		.device = device,
		.compute = percent(grown(c->compute_ns, was ? was->compute_ns : 0), time,
				   prop->coreCount),
		.copy = percent(grown(c->copy_ns, was ? was->copy_ns : 0), time,
				prop->copyEngineCount),
	};
}

static int busier_first(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	double dx = x->compute + x->copy, dy = y->compute + y->copy;

	if (dx != dy)
		return dx < dy ? 1 : -1;
	return x->client->pid - y->client->pid;
}

/* The rows of all devices, the busiest first; to be freed. */
static struct row *make_rows(const struct view *now, const struct view *before, size_t *count)
{
	const struct clients *all = &now->clients;
	struct row *rows = calloc(all->count + 1, sizeof(*rows));

	*count = 0;
	if (!rows) {
		fprintf(stderr, "dsa-smi: out of memory\n");
		exit(1);
	}
	for (size_t k = 0; k < all->count; k++)
		for (int i = now->first; i < now->end; i++)
			if (!strcmp(all->list[k].pci, now->devices[i].pci))
				rows[(*count)++] = make_row(now, before, &all->list[k], i);
	qsort(rows, *count, sizeof(*rows), busier_first);
	return rows;
}

static double device_compute(const struct view *now, const struct view *before, int i)
{
	return percent(grown(now->devices[i].now.busyCompute, before->devices[i].now.busyCompute),
		       passed(now, before, i), now->devices[i].prop.coreCount);
}

static double device_copy(const struct view *now, const struct view *before, int i)
{
	return percent(grown(now->devices[i].now.busyCopy, before->devices[i].now.busyCopy),
		       passed(now, before, i), now->devices[i].prop.copyEngineCount);
}

static void print_frame(const struct view *now, const struct view *before, size_t most)
{
	size_t count;
	struct row *rows = make_rows(now, before, &count);

	for (int i = now->first; i < now->end; i++) {
		const dsaTelemetry *t = &now->devices[i].now;

		printf("device %d  cores %5.1f %%  copy %5.1f %%  memory %zu of %zu MiB  %.1f C  %.1f W  "
		       "%.3f ms of device time\n",
		       i, device_compute(now, before, i), device_copy(now, before, i),
		       (t->memoryTotal - t->memoryFree) >> 20, t->memoryTotal >> 20,
		       t->temperature / 1000.0, t->power / 1000.0,
		       (double)passed(now, before, i) / 1e6);
	}
	printf("%7s  %6s  %7s  %7s  %10s  %10s  %6s  %s\n", "pid", "device", "cores %", "copy %",
	       "HBM MiB", "host MiB", "queues", "name");
	for (size_t k = 0; k < count && k < most; k++) {
		const struct client *c = rows[k].client;

		printf("%7d  %6d  %7.1f  %7.1f  %10.1f  %10.1f  %6u  %s\n", c->pid, rows[k].device,
		       rows[k].compute, rows[k].copy, (double)c->hbm / (1 << 20),
		       (double)c->system / (1 << 20), c->queues, c->name);
	}
	if (count > most)
		printf("and %zu more\n", count - most);
	free(rows);
}

/* One line a frame. */
static void json_frame(const struct view *now, const struct view *before)
{
	size_t count;
	struct row *rows = make_rows(now, before, &count);

	printf("{\"devices\": [");
	for (int i = now->first; i < now->end; i++)
		printf("%s{\"index\": %d, \"compute_percent\": %.3f, \"copy_percent\": %.3f, "
		       "\"device_time_ns\": %llu, \"memory_used_bytes\": %zu}",
		       i > now->first ? ", " : "", i, device_compute(now, before, i),
		       device_copy(now, before, i), passed(now, before, i),
		       now->devices[i].now.memoryTotal - now->devices[i].now.memoryFree);
	printf("], \"processes\": [");
	for (size_t k = 0; k < count; k++) {
		const struct client *c = rows[k].client;

		printf("%s{\"pid\": %d, \"name\": ", k ? ", " : "", c->pid);
		json_string(c->name);
		printf(", \"device\": %d, \"compute_percent\": %.3f, \"copy_percent\": %.3f, "
		       "\"hbm_bytes\": %llu, \"host_bytes\": %llu, \"queues\": %u}",
		       rows[k].device, rows[k].compute, rows[k].copy, c->hbm, c->system, c->queues);
	}
	printf("]}\n");
	free(rows);
}

static size_t screen_rows(int devices)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_row < devices + 4)
		return 20;
	return (size_t)(size.ws_row - devices - 4);
}

/* Waits for the next frame; false: the user wants to leave. */
static bool pause_for(double seconds, bool keys)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	char key;

	if (poll(&in, keys ? 1 : 0, (int)(seconds * 1000)) > 0)
		return read(STDIN_FILENO, &key, 1) == 1 && key != 'q';
	return true;
}

/* Keys come one by one and unseen; *was: how it was before. */
static bool keys_begin(struct termios *was)
{
	struct termios now;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, was))
		return false;
	now = *was;
	now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	return !tcsetattr(STDIN_FILENO, TCSANOW, &now);
}

static bool show(const struct view *now, const struct view *before, bool json, bool screen)
{
	if (json)
		json_frame(now, before);
	else if (screen)
		printf("\033[H\033[J");
	if (!json)
		print_frame(now, before, screen ? screen_rows(now->end - now->first) : SIZE_MAX);
	if (screen && !json)
		printf("q: leave\n");
	else if (!json)
		putchar('\n');
	return !fflush(stdout) && !ferror(stdout);
}

int top_run(int first, int end, double seconds, unsigned long count, bool json)
{
	struct view before = view_read(first, end), now;
	struct termios was;
	bool keys = keys_begin(&was), go_on = true, written = true;

	for (unsigned long i = 0; go_on && written && (!count || i < count); i++) {
		go_on = pause_for(seconds, keys);
		if (!go_on)
			break;
		now = view_read(first, end);
		written = show(&now, &before, json, keys);
		view_free(&before);
		before = now;
	}
	view_free(&before);
	if (keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &was);
	if (!written)
		fprintf(stderr, "dsa-smi: writing the output: %s\n", strerror(errno));
	return written ? 0 : 1;
}
