// SPDX-License-Identifier: MIT
/*
 * Process 1 of the VM that tools/dsa-vm boots. It makes the guest look like the host, loads the driver,
 * runs one command for the host, and powers off.
 */
#include <signal.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

/* What the driver needs is loaded by a process of its own while we mount the root. */
static pid_t load_for_driver(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		modules_load_folder("/modules/driver");
		_exit(0);
	}
	return pid;
}

int main(void)
{
	static struct job job;
	pid_t beside;

	mounts_early();
	beside = load_for_driver();
	link_open();
	link_phase("init");
	modules_load_folder("/modules/root");
	link_phase("modules");
	link_receive_job(&job);
	mounts_root(&job);
	link_phase("root");
	waitpid(beside, NULL, 0);
	if (job.n_modules) {
		for (size_t i = 0; i < job.n_modules; i++)
			modules_load(job.modules[i]);
		link_phase("driver");
	}
	if (!job.n_args)
		link_fail("no command");
	session_run(&job);
	sync();
	reboot(RB_POWER_OFF);
	return 0;
}
