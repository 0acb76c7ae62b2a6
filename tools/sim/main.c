/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

static struct options options;
static struct sim sim = { .o = &options };

static void remove_outputs(void)
{
	buffers_remove_outputs(&options);
}

/* No half-made files when a person loses patience. */
static void on_signal(int signal)
{
	buffers_remove_outputs(&options);
	raise(signal); /* SA_RESETHAND: its default now */
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static void flush_output(void)
{
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "dsa-sim: writing the output: %s\n", strerror(errno));
		exit(EXIT_RUN);
	}
}

static int status_of(struct sim *s, const struct result *r)
{
	int status;

	if (r->outcome != RUN_OK)
		return EXIT_RUN;
	if (!s->bare)
		return 0;
	status = bare_status(s);
	if (status < 0)
		say("the program returned without writing to tohost");
	else if (status)
		say("tohost says %d: not passed", status);
	return status < 0 ? EXIT_RUN : status;
}

static void free_options(struct options *o)
{
	for (unsigned int i = 0; i < o->launch_count; i++) {
		free(o->launches[i].args);
		free(o->launches[i].waits);
	}
	for (unsigned int i = 0; i < o->buffer_count; i++)
		free(o->buffers[i].words);
}

static int run(struct sim *s)
{
	struct result result;
	int status;

	device_new(s);
	buffers_read(s->o);
	run_check(s);
	at_failure = remove_outputs;
	catch_signals();
	buffers_open_outputs(s->o);
	memory_init(s);
	run_prepare(s);
	if (s->o->trace)
		trace_open(s);
	if (s->o->gdb)
		gdb_open(s);
	run_go(s, &result);
	gdb_close(s);
	trace_close(s);
	if (result.outcome == RUN_OK)
		buffers_write(s);
	else
		remove_outputs();
	report(s, &result);
	if (s->o->signature && result.outcome == RUN_OK)
		bare_signature(s);
	status = status_of(s, &result);
	bare_free(s);
	device_free(s);
	return status;
}

int main(int argc, char **argv)
{
	int status = 0;

	options_parse(&options, argc, argv);
	elf_load(&sim.elf, options.elf);
	if (options.list)
		kernels_list(&sim.elf);
	else
		status = run(&sim);
	elf_free(&sim.elf);
	free_options(&options);
	flush_output();
	return status;
}
