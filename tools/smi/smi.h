/* SPDX-License-Identifier: MIT */
/* dsa-smi: what its parts share. */
#ifndef SMI_H
#define SMI_H

#include <dsa/dsa.h>
#include <stdbool.h>
#include <stddef.h>

#define DRIVER "dsa_accel"

/* One open file of the driver; the same file in two descriptors counts once. */
struct client {
	int pid;
	unsigned long long id;
	char name[32];
	char pci[24];
	unsigned long long hbm, system;         /* bytes */
	unsigned long long compute_ns, copy_ns; /* modelled, of all engines together */
	unsigned int queues;
};

struct clients {
	struct client *list;
	size_t count;
};

struct device {
	dsaDeviceProp prop;
	dsaTelemetry now;
	char pci[24];
};

/* The devices [first, end) and who uses them, at one time. */
struct view {
	struct device *devices; /* by number; those before @first are not read */
	int first, end;
	struct clients clients;
};

/* Both end the program when there is nothing to read: there is an error to be told. */
struct view view_read(int first, int end);
void view_free(struct view *view);
/* The last error of libdsa, and the end. */
_Noreturn void die_of(const char *what);
/* NULL: it was not there. */
const struct client *clients_find(const struct clients *all, const struct client *like);

void clients_read(struct clients *all);

void print_screen(const struct view *view);
void print_json(const struct view *view);
void json_string(const char *text);

/* Shows who uses the devices, every @seconds, @count times (0: until stopped): the exit status. */
int top_run(int first, int end, double seconds, unsigned long count, bool json);

/* Prints a dump of the driver: the exit status. */
int coredump_run(const char *path, bool json);

#endif /* SMI_H */
