/* SPDX-License-Identifier: MIT */
/* dsa-smi: devices, their state, and who uses them, on one screen or as JSON. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smi.h"

static const char usage[] =
	"usage: dsa-smi [--json] [-i N]\n"
	"       dsa-smi top [--json] [-i N] [-s SECONDS] [-n COUNT]\n"
	"       dsa-smi coredump [--json] FILE\n"
	"\n"
	"Shows the accelerators, their state and the processes that use them; top shows who is\n"
	"busy, again and again; coredump prints what the driver left in\n"
	"/sys/class/devcoredump/devcdN/data when something hung.\n"
	"  -j, --json             as JSON; top: one object a line\n"
	"  -i, --device N         only device N\n"
	"  -s, --seconds SECONDS  top: time between two looks, 0.1 to 3600 (default 1)\n"
	"  -n, --count COUNT      top: so many looks, then end\n"
	"  -h, --help             this text\n"
	"      --version          version\n"
	"Exit status: 0; 1 when there is no device or dump or it cannot be read; 2 for bad options.\n";

struct options {
	const char *device;
	const char *coredump;
	double seconds;
	unsigned long count;
	bool json, top, top_only;
};

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

static double parse_seconds(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= 0.1 && value <= 3600)) {
		fprintf(stderr, "dsa-smi: --seconds '%s': a number from 0.1 to 3600\n", text);
		exit(2);
	}
	return value;
}

static unsigned long parse_count(const char *text)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || !value || *text == '-') {
		fprintf(stderr, "dsa-smi: --count '%s': a number from 1\n", text);
		exit(2);
	}
	return value;
}

/* The file; the words are taken. */
static const char *parse_coredump(int argc, char **argv)
{
	if (optind + 2 != argc) {
		fprintf(stderr, "dsa-smi: coredump takes one file\ntry dsa-smi --help\n");
		exit(2);
	}
	optind = argc;
	return argv[argc - 1];
}

/* False: all is done. */
static bool parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "device", required_argument, NULL, 'i' },
		{ "seconds", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "ji:s:n:h", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			o->json = true;
			break;
		case 'i':
			o->device = optarg;
			break;
		case 's':
			o->seconds = parse_seconds(optarg);
			o->top_only = true;
			break;
		case 'n':
			o->count = parse_count(optarg);
			o->top_only = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return false;
		case 'V':
			printf("dsa-smi %d.%d\n", DSA_VERSION / 1000, DSA_VERSION % 1000 / 10);
			return false;
		default:
			fprintf(stderr, "try dsa-smi --help\n");
			exit(2);
		}
	}
	if (optind < argc && !strcmp(argv[optind], "coredump"))
		o->coredump = parse_coredump(argc, argv);
	o->top = optind < argc && !strcmp(argv[optind], "top");
	optind += o->top;
	if (optind < argc) {
		fprintf(stderr, "dsa-smi: unexpected argument '%s'\ntry dsa-smi --help\n",
			argv[optind]);
		exit(2);
	}
	if (o->top_only && !o->top) {
		fprintf(stderr, "dsa-smi: --seconds and --count go with dsa-smi top\n");
		exit(2);
	}
	return true;
}

static int print_once(int first, int end, bool json)
{
	struct view view = view_read(first, end);

	if (json)
		print_json(&view);
	else
		print_screen(&view);
	view_free(&view);
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	fprintf(stderr, "dsa-smi: writing the output: %s\n", strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	struct options o = { .seconds = 1 };
	int count, first = 0, end;

	if (!parse(argc, argv, &o))
		return 0;
	if (o.coredump)
		return coredump_run(o.coredump, o.json);
	if (dsaGetDeviceCount(&count))
		die_of("looking for devices");
	end = count;
	if (o.device) {
		first = parse_index(o.device, count);
		end = first + 1;
	}
	if (o.top)
		return top_run(first, end, o.seconds, o.count, o.json);
	return print_once(first, end, o.json);
}
