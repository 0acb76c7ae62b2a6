/* SPDX-License-Identifier: MIT */
/* dsa-smi: devices, their state, and who uses them, on one screen or as JSON. */
#include <ctype.h>
#include <dirent.h>
#include <dsa/dsa.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DRIVER "dsa_accel"

/* One open file of the driver; the same file in two descriptors counts once. */
struct client {
	int pid;
	unsigned long long id;
	char name[32];
	char pci[24];
	unsigned long long hbm, system; /* bytes */
	unsigned int queues;
};

struct clients {
	struct client *list;
	size_t count;
};

static void die_of(const char *what)
{
	dsaErrorInfo info;

	dsaGetLastErrorInfo(&info);
	fprintf(stderr, "dsa-smi: %s: %s\n", what, info.text);
	exit(1);
}

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
		else if ((v = value_of(line, "dsa-queues-compute:")))
			c->queues += (unsigned int)strtoul(v, NULL, 10);
		else if ((v = value_of(line, "dsa-queues-copy:")))
			c->queues += (unsigned int)strtoul(v, NULL, 10);
	}
	fclose(file);
	return ours;
}

static bool known(const struct clients *all, const struct client *c)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].id == c->id && !strcmp(all->list[i].pci, c->pci) &&
		    all->list[i].pid == c->pid)
			return true;
	return false;
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
		    known(all, &c))
			continue;
		read_name(pid, c.name, sizeof(c.name));
		add_client(all, &c);
	}
	closedir(dir);
}

static void scan_processes(struct clients *all)
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

struct device {
	dsaDeviceProp prop;
	dsaTelemetry now;
	char pci[24];
};

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
	printf("  temperature  %.1f C    power  %.1f W    clock  %d MHz\n", t->temperature / 1000.0,
	       t->power / 1000.0, t->clockRate / 1000);
	printf("  ECC          %u corrected, %u uncorrected    resets  %u\n", t->eccCorrected,
	       t->eccUncorrected, t->resets);
	printf("  busy         compute %.3f core-ms, copy %.3f engine-ms (modelled)\n",
	       (double)t->busyCompute / 1e6, (double)t->busyCopy / 1e6);
}

static void print_processes(const struct device *devices, int first, int end,
			    const struct clients *all)
{
	bool none = true;

	printf("processes\n");
	for (int i = first; i < end; i++) {
		for (size_t k = 0; k < all->count; k++) {
			const struct client *c = &all->list[k];

			if (strcmp(c->pci, devices[i].pci))
				continue;
			if (none)
				printf("  %6s  %7s  %10s  %10s  %6s  %s\n", "device", "pid",
				       "HBM MiB", "host MiB", "queues", "name");
			none = false;
			printf("  %6d  %7d  %10.1f  %10.1f  %6u  %s\n", i, c->pid, mib(c->hbm),
			       mib(c->system), c->queues, c->name);
		}
	}
	if (none)
		printf("  none\n");
}

static void json_string(const char *text)
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
		printf(", \"hbm_bytes\": %llu, \"host_bytes\": %llu, \"queues\": %u }", c->hbm,
		       c->system, c->queues);
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
	printf("    \"busy_compute_ns\": %llu,\n    \"busy_copy_ns\": %llu,\n"
	       "    \"device_time_ns\": %llu,\n",
	       (unsigned long long)t->busyCompute, (unsigned long long)t->busyCopy,
	       (unsigned long long)t->deviceTime);
	json_processes(d, all);
	printf("  }");
}

static void print_json(const struct device *devices, int first, int end, const struct clients *all)
{
	int runtime = 0, driver = 0;

	dsaRuntimeGetVersion(&runtime);
	dsaDriverGetVersion(&driver);
	printf("{\n\"library\": \"%d.%d\",\n\"driver\": \"%d.%d\",\n\"devices\": [\n",
	       runtime / 1000, runtime % 1000 / 10, driver / 1000, driver % 1000 / 10);
	for (int i = first; i < end; i++) {
		json_device(i, &devices[i], all);
		printf("%s\n", i + 1 < end ? "," : "");
	}
	printf("]\n}\n");
}

static void print_screen(const struct device *devices, int first, int end,
			 const struct clients *all)
{
	int runtime = 0, driver = 0;

	dsaRuntimeGetVersion(&runtime);
	dsaDriverGetVersion(&driver);
	printf("dsa-smi    driver " DRIVER " %d.%d    libdsa %d.%d\n", driver / 1000,
	       driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
	for (int i = first; i < end; i++)
		print_device(i, &devices[i]);
	print_processes(devices, first, end, all);
}

static const char usage[] =
	"usage: dsa-smi [--json] [-i N]\n"
	"\n"
	"Shows the accelerators, their state and the processes that use them.\n"
	"  -j, --json      as JSON\n"
	"  -i, --device N  only device N\n"
	"  -h, --help      this text\n"
	"      --version   version\n"
	"Exit status: 0; 1 when there is no device or it cannot be read; 2 for bad options.\n";

static int parse_index(const char *text, int count)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno || end == text || *end || value < 0 || value >= count) {
		fprintf(stderr, "dsa-smi: device '%s': there are devices 0 to %d\n", text,
			count - 1);
		exit(2);
	}
	return (int)value;
}

static struct device *read_devices(int count)
{
	struct device *devices = calloc((size_t)count, sizeof(*devices));

	for (int i = 0; devices && i < count; i++)
		devices[i] = read_device(i);
	if (devices)
		return devices;
	fprintf(stderr, "dsa-smi: out of memory\n");
	exit(1);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "device", required_argument, NULL, 'i' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct clients all = { 0 };
	struct device *devices;
	const char *chosen = NULL;
	bool json = false;
	int option, count, first = 0, end;

	while ((option = getopt_long(argc, argv, "ji:h", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			json = true;
			break;
		case 'i':
			chosen = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'V':
			printf("dsa-smi %d.%d\n", DSA_VERSION / 1000, DSA_VERSION % 1000 / 10);
			return 0;
		default:
			fprintf(stderr, "try dsa-smi --help\n");
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "dsa-smi: unexpected argument '%s'\ntry dsa-smi --help\n",
			argv[optind]);
		return 2;
	}
	if (dsaGetDeviceCount(&count))
		die_of("looking for devices");
	end = count;
	if (chosen) {
		first = parse_index(chosen, count);
		end = first + 1;
	}
	devices = read_devices(count);
	scan_processes(&all);
	if (json)
		print_json(devices, first, end, &all);
	else
		print_screen(devices, first, end, &all);
	free(devices);
	free(all.list);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "dsa-smi: writing the output: %s\n", strerror(errno));
		return 1;
	}
	return 0;
}
