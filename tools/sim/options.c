/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim.h"

static const char help[] =
	"usage: dsa-sim [options] KERNEL.elf --fn NAME --grid X,Y,Z --buf ... --arg ...\n"
	"       dsa-sim [options] PROGRAM.elf\n"
	"\n"
	"Runs a kernel made by dsacc on the device core, without a VM; or a bare RISC-V\n"
	"program that has a symbol tohost, until it writes there.\n"
	"\n"
	"  --fn NAME            kernel to launch (default: the only one). Given again, another\n"
	"                       launch behind it, with --grid, --arg, --wait ... of its own\n"
	"  --grid X[,Y[,Z]]     programs (default 1)\n"
	"  --cluster X[,Y[,Z]]  programs of a cluster, each dimension a divisor of the grid's\n"
	"                       (default 1)\n"
	"  --arg TYPE:VALUE     next argument: buf:N (address of buffer N, from 0; buf:N+OFFSET),\n"
	"                       i8 u8 i16 u16 i32 u32 i64 u64 f32 f64, hex:BYTES as in memory\n"
	"  --scratch BYTES      scratchpad for data, beyond what the kernel declares\n"
	"  --stack BYTES        stack (default: what the kernel declares, else 64K)\n"
	"  --wait N[+OFFSET]:V  launch only when the 64-bit word there is at least V\n"
	"\n"
	"  --buf in:FILE        buffer with the file's bytes, read-only for kernels\n"
	"  --buf out:SIZE:FILE  zeros; goes to FILE at the end\n"
	"  --buf inout:FILE[:OUTFILE]   from FILE and back to it, or to OUTFILE\n"
	"  --buf zero:SIZE      zeros, to be forgotten\n"
	"                       SIZE and BYTES may end in K, M or G\n"
	"\n"
	"  --trace[=FILE]       every instruction, to stderr or FILE\n"
	"  --gdb PORT|PATH      stop before the first instruction, for gdb-multiarch's target remote;\n"
	"                       PORT of this host (0: a free one) or the path of a socket\n"
	"  --trace-program X[,Y[,Z]]    trace, debug only this program\n"
	"  --signature FILE     of a bare program: begin_signature .. end_signature, as words in hex\n"
	"  --timeout SECONDS    of host time; then the launch is killed (default: none)\n"
	"  --json               results as JSON\n"
	"  --list               show the module's kernels and stop\n"
	"  --threads N          host threads (default: one per CPU)\n"
	"  -v, --verbose        what the device logs, too\n"
	"\n"
	"  --cores N  --copy-engines N  --hbm-size SIZE  --scratchpad-size SIZE\n"
	"  --preset NAME (" DSA_CORE_PRESETS "; before the next ones)\n"
	"  --vlen BITS  --matrix-macs N  --core-clock-khz KHZ\n"
	"  --hbm-bandwidth MB_PER_S  --bus-bandwidth MB_PER_S\n"
	"                       the device, as the properties of QEMU's -device dsa\n"
	"  --pace none|model    model: completions come no earlier than modelled (default none)\n"
	"Constants of the cost model, defaults by preset:\n"
	"",
		  help_end[] =
			  "\n"
			  "  --help, --version\n"
			  "\n"
			  "Exit status: 0; 1 the run failed; 2 bad options or input. Of a bare program: tohost >> 1.\n"
			  "docs/dsa-sim.md has examples.\n";

enum {
	OPT_FN = 256,
	OPT_GRID,
	OPT_CLUSTER,
	OPT_BUF,
	OPT_ARG,
	OPT_SCRATCH,
	OPT_STACK,
	OPT_WAIT,
	OPT_TRACE,
	OPT_GDB,
	OPT_PROGRAM,
	OPT_SIGNATURE,
	OPT_TIMEOUT,
	OPT_JSON,
	OPT_LIST,
	OPT_THREADS,
	OPT_CORES,
	OPT_ENGINES,
	OPT_HBM,
	OPT_SPAD,
	OPT_PRESET,
	OPT_VLEN,
	OPT_MACS,
	OPT_CLOCK,
	OPT_HBM_BW,
	OPT_BUS_BW,
	OPT_PACE,
	OPT_VERSION,
	OPT_COST, /* and the numbers behind it: fields of the cost model */
};

static const struct option fixed[] = {
	{ "fn", required_argument, NULL, OPT_FN },
	{ "grid", required_argument, NULL, OPT_GRID },
	{ "cluster", required_argument, NULL, OPT_CLUSTER },
	{ "buf", required_argument, NULL, OPT_BUF },
	{ "arg", required_argument, NULL, OPT_ARG },
	{ "scratch", required_argument, NULL, OPT_SCRATCH },
	{ "stack", required_argument, NULL, OPT_STACK },
	{ "wait", required_argument, NULL, OPT_WAIT },
	{ "trace", optional_argument, NULL, OPT_TRACE },
	{ "gdb", required_argument, NULL, OPT_GDB },
	{ "trace-program", required_argument, NULL, OPT_PROGRAM },
	{ "signature", required_argument, NULL, OPT_SIGNATURE },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "list", no_argument, NULL, OPT_LIST },
	{ "threads", required_argument, NULL, OPT_THREADS },
	{ "verbose", no_argument, NULL, 'v' },
	{ "cores", required_argument, NULL, OPT_CORES },
	{ "copy-engines", required_argument, NULL, OPT_ENGINES },
	{ "hbm-size", required_argument, NULL, OPT_HBM },
	{ "scratchpad-size", required_argument, NULL, OPT_SPAD },
	{ "preset", required_argument, NULL, OPT_PRESET },
	{ "vlen", required_argument, NULL, OPT_VLEN },
	{ "matrix-macs", required_argument, NULL, OPT_MACS },
	{ "core-clock-khz", required_argument, NULL, OPT_CLOCK },
	{ "hbm-bandwidth", required_argument, NULL, OPT_HBM_BW },
	{ "bus-bandwidth", required_argument, NULL, OPT_BUS_BW },
	{ "pace", required_argument, NULL, OPT_PACE },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

#define FIXED (sizeof(fixed) / sizeof(fixed[0]))

/* All of those and the cost model's, for getopt_long(). */
static const struct option *all_options(void)
{
	static struct option all[DSA_COST_FIELDS + FIXED];

	for (unsigned int i = 0; i < DSA_COST_FIELDS; i++)
		all[i] = (struct option){ dsa_cost_fields[i].name, required_argument, NULL,
					  OPT_COST + (int)i };
	memcpy(all + DSA_COST_FIELDS, fixed, sizeof(fixed));
	return all;
}

static void print_help(void)
{
	fputs(help, stdout);
	for (unsigned int i = 0; i < DSA_COST_FIELDS; i++)
		printf("  --%-18s %s\n", dsa_cost_fields[i].name, dsa_cost_fields[i].text);
	fputs(help_end, stdout);
}

/* ---- numbers ---- */

/* A number with its whole text used up to *end; false: none, or out of range. */
static bool parse_u64(const char *text, char **end, uint64_t *v)
{
	errno = 0;
	if (*text < '0' || *text > '9')
		return false;
	*v = strtoull(text, end, 0);
	return !errno;
}

static uint64_t number(const char *option, const char *text, uint64_t min, uint64_t max)
{
	uint64_t v = 0;
	char *end = NULL;

	if (!parse_u64(text, &end, &v) || *end || v < min || v > max)
		usage_error("%s %s: not a number from %llu to %llu", option, text,
			    (unsigned long long)min, (unsigned long long)max);
	return v;
}

/* *end is behind the size. */
static bool parse_size(const char *text, char **end, uint64_t *v)
{
	static const char units[] = "KMGT";
	const char *unit;

	if (!parse_u64(text, end, v))
		return false;
	unit = **end ? strchr(units, **end) : NULL;
	if (!unit)
		return true;
	(*end)++;
	return !__builtin_mul_overflow(*v, 1ull << 10 * (unit - units + 1), v);
}

static uint64_t size(const char *option, const char *text, uint64_t max)
{
	uint64_t v = 0;
	char *end = NULL;
	char most[32];

	if (!parse_size(text, &end, &v) || *end || v > max)
		usage_error("%s %s: not a size up to %s, such as 4096, 64K or 2M", option, text,
			    size_text(max, most));
	return v;
}

static uint64_t power_of_two(const char *option, const char *text, uint64_t min, uint64_t max)
{
	uint64_t v = size(option, text, max);
	char least[32], most[32];

	if (v < min || v & (v - 1))
		usage_error("%s %s: not a power of two from %s to %s", option, text,
			    size_text(min, least), size_text(max, most));
	return v;
}

static void triple(const char *option, const char *text, uint32_t out[3], uint32_t rest)
{
	const char *p = text;

	out[1] = out[2] = rest;
	for (int i = 0;; i++) {
		uint64_t v = 0;
		char *end = NULL;

		if (i == 3 || !parse_u64(p, &end, &v) || (*end && *end != ','))
			usage_error("%s %s: not up to three numbers, such as 16 or 4,4,2", option,
				    text);
		if (v < rest || v > DSA_MAX_GRID_DIM)
			usage_error("%s %s: %llu is not between %u and %u", option, text,
				    (unsigned long long)v, rest, DSA_MAX_GRID_DIM);
		out[i] = (uint32_t)v;
		if (!*end)
			return;
		p = end + 1;
	}
}

/* ---- launches ---- */

static struct launch *launch_now(struct options *o)
{
	if (!o->launch_count) {
		o->launch_count = 1;
		o->launches[0].grid[0] = o->launches[0].grid[1] = o->launches[0].grid[2] = 1;
	}
	return &o->launches[o->launch_count - 1];
}

static void add_launch(struct options *o, const char *name)
{
	struct launch *l = launch_now(o);

	/* What came before the first --fn is that launch's too. */
	if (l->kernel) {
		if (o->launch_count == MAX_LAUNCHES)
			usage_error("more than %d launches", MAX_LAUNCHES);
		l = &o->launches[o->launch_count++];
		l->grid[0] = l->grid[1] = l->grid[2] = 1;
	}
	l->kernel = name;
}

/* N[+OFFSET], up to @stop. */
static void place(const char *option, const char *text, const char *p, char stop, unsigned int *n,
		  uint64_t *offset, char **end)
{
	uint64_t v = 0;

	*offset = 0;
	if (!parse_u64(p, end, &v) || v >= MAX_BUFFERS)
		usage_error("%s %s: no buffer number: buffers count from 0", option, text);
	*n = (unsigned int)v;
	if (**end == '+' && !parse_u64(*end + 1, end, offset))
		usage_error("%s %s: no offset behind '+'", option, text);
	if (**end != stop)
		usage_error("%s %s: unexpected '%s'", option, text, *end);
}

static void add_wait(struct options *o, const char *text)
{
	struct launch *l = launch_now(o);
	struct wait *w;
	char *end;

	l->waits = must(realloc(l->waits, (l->wait_count + 1) * sizeof(*l->waits)));
	w = &l->waits[l->wait_count++];
	place("--wait", text, text, ':', &w->buffer, &w->offset, &end);
	w->value = number("--wait", end + 1, 0, UINT64_MAX);
	if (w->offset % 8)
		usage_error("--wait %s: offset %llu is not a multiple of 8", text,
			    (unsigned long long)w->offset);
}

static void hex_arg(struct arg *a, const char *digits)
{
	size_t n = strlen(digits);

	if (!n || n % 2 || n / 2 > sizeof(a->value) ||
	    strspn(digits, "0123456789abcdefABCDEF") != n)
		usage_error("--arg %s: not an even number of hex digits", a->text);
	for (size_t i = 0; i < n / 2; i++) {
		char byte[3] = { digits[2 * i], digits[2 * i + 1], 0 };

		a->value[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	a->is_hex = true;
	a->bytes = (uint32_t)(n / 2);
}

static void float_arg(struct arg *a, const char *text, unsigned int bytes)
{
	char *end;
	double d = strtod(text, &end);
	float f = strtof(text, &end);

	if (end == text || *end)
		usage_error("--arg %s: '%s' is not a floating-point number", a->text, text);
	if (bytes == 4 && isinf(f) && !isinf(d))
		usage_error("--arg %s: too large for f32", a->text);
	memcpy(a->value, bytes == 4 ? (void *)&f : (void *)&d, bytes);
	a->bytes = bytes;
}

static void int_arg(struct arg *a, const char *text, unsigned int bytes, bool is_signed)
{
	bool minus = *text == '-';
	uint64_t v = 0, most = UINT64_MAX >> (64 - 8 * bytes);
	char *end = NULL;

	if (!parse_u64(text + minus, &end, &v) || *end)
		usage_error("--arg %s: '%s' is not an integer", a->text, text);
	if (is_signed)
		most >>= 1;
	if (minus ? !is_signed || v > most + 1 : v > most)
		usage_error("--arg %s: out of range for %u %s bits", a->text, 8 * bytes,
			    is_signed ? "signed" : "unsigned");
	v = minus ? -v : v;
	memcpy(a->value, &v, bytes);
	a->bytes = bytes;
}

static void parse_arg(struct arg *a)
{
	const char *colon = strchr(a->text, ':');
	unsigned int bits;
	char *end;

	if (!colon)
		usage_error("--arg %s: says no type: write for instance u64:%s or f32:%s", a->text,
			    a->text, a->text);
	if (!strncmp(a->text, "buf:", 4)) {
		place("--arg", a->text, colon + 1, 0, &a->buffer, &a->offset, &end);
		a->is_buffer = true;
		a->bytes = 8;
		return;
	}
	if (!strncmp(a->text, "hex:", 4)) {
		hex_arg(a, colon + 1);
		return;
	}
	bits = (unsigned int)strtoul(a->text + 1, &end, 10);
	if (end == colon && strchr("iu", *a->text) &&
	    (bits == 8 || bits == 16 || bits == 32 || bits == 64))
		int_arg(a, colon + 1, bits / 8, *a->text == 'i');
	else if (end == colon && *a->text == 'f' && (bits == 32 || bits == 64))
		float_arg(a, colon + 1, bits / 8);
	else
		usage_error("--arg %s: type '%.*s' is none of buf, i8, u8, i16, u16, i32, u32, "
			    "i64, u64, f32, f64, hex",
			    a->text, (int)(colon - a->text), a->text);
}

static void add_arg(struct options *o, const char *text)
{
	struct launch *l = launch_now(o);

	if (l->arg_count == DSA_KERNEL_MAX_ARGS)
		usage_error("--arg %s: kernels have at most %d arguments", text,
			    DSA_KERNEL_MAX_ARGS);
	l->args = must(realloc(l->args, (l->arg_count + 1) * sizeof(*l->args)));
	l->args[l->arg_count] = (struct arg){ .text = text };
	parse_arg(&l->args[l->arg_count++]);
}

/* ---- buffers ---- */

static void buffer_size(struct buffer *b, const char *text, char stop, char **end)
{
	if (!parse_size(text, end, &b->bytes) || **end != stop || !b->bytes)
		usage_error("--buf %s: no size, such as 4096, 64K or 2M: write %s", b->text,
			    stop ? "out:SIZE:FILE" : "zero:SIZE");
}

static char *split(char *text)
{
	char *colon = strchr(text, ':');

	if (colon)
		*colon++ = '\0';
	return colon;
}

static void need_file(const struct buffer *b, const char *file, const char *form)
{
	if (!file || !*file)
		usage_error("--buf %s: no file: write %s", b->text, form);
}

static void add_buffer(struct options *o, const char *text)
{
	struct buffer *b = &o->buffers[o->buffer_count];
	char *rest, *kind = must(strdup(text));
	char *end;

	if (o->buffer_count++ == MAX_BUFFERS)
		usage_error("more than %d buffers", MAX_BUFFERS);
	*b = (struct buffer){ .text = text, .words = kind, .fd = -1 };
	rest = split(kind);
	if (!strcmp(kind, "in")) {
		b->kind = BUFFER_IN;
		b->in = rest;
		need_file(b, rest, "in:FILE");
	} else if (!strcmp(kind, "inout")) {
		b->kind = BUFFER_INOUT;
		b->out = rest ? split(rest) : NULL;
		b->in = rest;
		need_file(b, rest, "inout:FILE or inout:FILE:OUTFILE");
		if (!b->out)
			b->out = b->in;
		need_file(b, b->out, "inout:FILE:OUTFILE");
	} else if (!strcmp(kind, "out")) {
		b->kind = BUFFER_OUT;
		buffer_size(b, rest ? rest : "", ':', &end);
		b->out = end + 1;
		need_file(b, b->out, "out:SIZE:FILE");
	} else if (!strcmp(kind, "zero")) {
		b->kind = BUFFER_ZERO;
		buffer_size(b, rest ? rest : "", '\0', &end);
	} else {
		usage_error("--buf %s: kind '%s' is none of in, out, inout, zero", text, kind);
	}
}

/* ---- all of it ---- */

static void parse_timeout(struct options *o, const char *text)
{
	char *end;

	o->timeout = strtod(text, &end);
	if (end == text || *end || !(o->timeout > 0) || o->timeout > 1e8)
		usage_error("--timeout %s: not a number of seconds above 0", text);
}

static void cost_option(struct dsa_cost *cost, unsigned int i, const char *text)
{
	const struct dsa_cost_field *f = &dsa_cost_fields[i];
	char name[64];

	snprintf(name, sizeof(name), "--%s", f->name);
	*dsa_cost_at(cost, i) = (uint32_t)number(name, text, f->min, f->max);
	if (cost->vector_bits & (cost->vector_bits - 1))
		usage_error("%s %s: not a power of two", name, text);
}

static void parse_pace(struct options *o, const char *text)
{
	o->cfg.pace = !strcmp(text, "model");
	if (!o->cfg.pace && strcmp(text, "none"))
		usage_error("--pace %s: there are none, model", text);
}

static bool device_option(struct options *o, int c, const char *text)
{
	struct dsa_core_config *d = &o->cfg;

	switch (c) {
	case OPT_CORES:
		d->cores = (unsigned int)number("--cores", text, 1, 64);
		return true;
	case OPT_ENGINES:
		d->copy_engines = (unsigned int)number("--copy-engines", text, 1, 16);
		return true;
	case OPT_HBM:
		d->hbm_size = power_of_two("--hbm-size", text, 1u << 20, 1ull << 40);
		return true;
	case OPT_SPAD:
		d->scratch_size = (uint32_t)power_of_two("--scratchpad-size", text, 64u << 10,
							 16u << 20);
		return true;
	case OPT_PRESET:
		if (!dsa_core_config_preset(d, text))
			usage_error("--preset %s: there are " DSA_CORE_PRESETS, text);
		return true;
	case OPT_VLEN:
		d->vlen = (uint32_t)number("--vlen", text, 128, 65536);
		if (d->vlen & (d->vlen - 1))
			usage_error("--vlen %s: not a power of two from 128 to 65536 bits", text);
		return true;
	case OPT_MACS:
		d->matrix_macs = (uint32_t)number("--matrix-macs", text, 32, 1u << 20);
		return true;
	case OPT_CLOCK:
		d->core_clock_khz = (uint32_t)number("--core-clock-khz", text, 1, UINT32_MAX);
		return true;
	case OPT_HBM_BW:
		d->hbm_mb_per_s = (uint32_t)number("--hbm-bandwidth", text, 1, UINT32_MAX);
		return true;
	case OPT_BUS_BW:
		d->bus_mb_per_s = (uint32_t)number("--bus-bandwidth", text, 1, UINT32_MAX);
		return true;
	case OPT_PACE:
		parse_pace(o, text);
		return true;
	default:
		if (c < OPT_COST)
			return false;
		cost_option(&d->cost, (unsigned int)(c - OPT_COST), text);
		return true;
	}
}

static bool launch_option(struct options *o, int c, const char *text)
{
	switch (c) {
	case OPT_FN:
		add_launch(o, text);
		return true;
	case OPT_GRID:
		triple("--grid", text, launch_now(o)->grid, 1);
		launch_now(o)->has_grid = true;
		return true;
	case OPT_CLUSTER:
		triple("--cluster", text, launch_now(o)->cluster, 1);
		launch_now(o)->has_cluster = true;
		return true;
	case OPT_ARG:
		add_arg(o, text);
		return true;
	case OPT_SCRATCH:
		launch_now(o)->scratch = size("--scratch", text, 16u << 20);
		return true;
	case OPT_STACK:
		launch_now(o)->stack = size("--stack", text, 16u << 20);
		launch_now(o)->has_stack = true;
		return true;
	case OPT_WAIT:
		add_wait(o, text);
		return true;
	case OPT_BUF:
		add_buffer(o, text);
		return true;
	default:
		return false;
	}
}

static void other_option(struct options *o, int c, const char *text)
{
	switch (c) {
	case OPT_TRACE:
		o->trace = true;
		o->trace_file = text;
		break;
	case OPT_GDB:
		o->gdb = text;
		break;
	case OPT_PROGRAM:
		triple("--trace-program", text, o->program, 0);
		o->one_program = true;
		break;
	case OPT_SIGNATURE:
		o->signature = text;
		break;
	case OPT_TIMEOUT:
		parse_timeout(o, text);
		break;
	case OPT_JSON:
		o->json = true;
		break;
	case OPT_LIST:
		o->list = true;
		break;
	case OPT_THREADS:
		o->threads = (unsigned int)number("--threads", text, 1, MAX_THREADS);
		break;
	case 'v':
		o->verbose = true;
		break;
	case 'h':
		print_help();
		exit(0);
	case OPT_VERSION:
		puts("dsa-sim 1.0");
		exit(0);
	default: /* getopt has said why */
		fprintf(stderr, "try dsa-sim --help\n");
		exit(EXIT_USAGE);
	}
}

static void check(const struct options *o)
{
	if (!o->elf)
		usage_error("no ELF file given");
	if (o->gdb && (o->trace || o->timeout > 0))
		usage_error("--gdb excludes --trace and --timeout");
	if (o->one_program && !o->trace && !o->gdb)
		usage_error("--trace-program goes with --trace or --gdb");
	for (unsigned int i = 0; i < o->launch_count; i++)
		if (o->launches[i].stack % 16)
			usage_error("--stack %llu: not a multiple of 16",
				    (unsigned long long)o->launches[i].stack);
}

void options_parse(struct options *o, int argc, char **argv)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int c;

	memset(o, 0, sizeof(*o));
	dsa_core_config_default(&o->cfg);
	o->threads = cpus < 1 ? 1 : cpus > MAX_THREADS ? MAX_THREADS : (unsigned int)cpus;
	argv[0] = "dsa-sim";
	while ((c = getopt_long(argc, argv, "-vh", all_options(), NULL)) != -1) {
		if (c == 1 && o->elf)
			usage_error("unexpected argument '%s': the ELF file is %s", optarg, o->elf);
		else if (c == 1)
			o->elf = optarg;
		else if (!device_option(o, c, optarg) && !launch_option(o, c, optarg))
			other_option(o, c, optarg);
	}
	if (optind < argc && !o->elf)
		o->elf = argv[optind++];
	if (optind < argc)
		usage_error("unexpected argument '%s'", argv[optind]);
	check(o);
}
