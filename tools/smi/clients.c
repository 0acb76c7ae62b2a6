/* SPDX-License-Identifier: MIT */
/* Who uses the devices: the fdinfo of every process. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "smi.h"

/* "123 KiB" and the like; fdinfo's numbers carry their unit. */
static unsigned long long parse_bytes(const char *text)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);

	while (isspace((unsigned char)*end))
		end++;
	switch (*end) {
	case 'K':
		return value << 10;
	case 'M':
		return value << 20;
	case 'G':
		return value << 30;
	default:
		return value;
	}
}

static const char *value_of(const char *line, const char *key)
{
	size_t n = strlen(key);

	if (strncmp(line, key, n))
		return NULL;
	for (line += n; isspace((unsigned char)*line); line++)
		;
	return line;
}

/* False: not a file of our driver. */
static bool read_fdinfo(const char *path, struct client *c)
{
	FILE *file = fopen(path, "r");
	bool ours = false;
	char line[256];
	const char *v;

	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if ((v = value_of(line, "drm-driver:")))
			ours = !strcmp(v, DRIVER);
		else if ((v = value_of(line, "drm-client-id:")))
			c->id = strtoull(v, NULL, 10);
		else if ((v = value_of(line, "drm-pdev:")))
			snprintf(c->pci, sizeof(c->pci), "%.23s", v);
		else if ((v = value_of(line, "drm-total-hbm:")))
			c->hbm = parse_bytes(v);
		else if ((v = value_of(line, "drm-total-system:")))
			c->system = parse_bytes(v);
		else if ((v = value_of(line, "drm-engine-compute:")))
			c->compute_ns = strtoull(v, NULL, 10);
		else if ((v = value_of(line, "drm-engine-copy:")))
			c->copy_ns = strtoull(v, NULL, 10);
		else if ((v = value_of(line, "dsa-queues-compute:")))
			c->queues += (unsigned int)strtoul(v, NULL, 10);
		else if ((v = value_of(line, "dsa-queues-copy:")))
			c->queues += (unsigned int)strtoul(v, NULL, 10);
	}
	fclose(file);
	return ours;
}

const struct client *clients_find(const struct clients *all, const struct client *like)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].id == like->id && !strcmp(all->list[i].pci, like->pci) &&
		    all->list[i].pid == like->pid)
			return &all->list[i];
	return NULL;
}

static void add_client(struct clients *all, const struct client *c)
{
	struct client *grown = realloc(all->list, (all->count + 1) * sizeof(*grown));

	if (!grown) {
		fprintf(stderr, "dsa-smi: out of memory\n");
		exit(1);
	}
	all->list = grown;
	all->list[all->count++] = *c;
}

static void read_name(int pid, char *name, size_t size)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "r");
	if (!file || !fgets(name, (int)size, file))
		snprintf(name, size, "?");
	name[strcspn(name, "\n")] = '\0';
	if (file)
		fclose(file);
}

/* Processes come and go while this reads: what is gone is skipped. */
static void scan_process(int pid, struct clients *all)
{
	char path[320];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		struct client c = { .pid = pid };

		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%s", pid, entry->d_name);
		if (!isdigit((unsigned char)entry->d_name[0]) || !read_fdinfo(path, &c) ||
		    clients_find(all, &c))
			continue;
		read_name(pid, c.name, sizeof(c.name));
		add_client(all, &c);
	}
	closedir(dir);
}

void clients_read(struct clients *all)
{
	struct dirent *entry;
	DIR *dir = opendir("/proc");
	int pid;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		pid = atoi(entry->d_name);
		if (pid > 0 && pid != getpid())
			scan_process(pid, all);
	}
	closedir(dir);
}
