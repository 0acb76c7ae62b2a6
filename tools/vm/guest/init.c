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

int main(void)
{
	static struct job job;

	mounts_early();
	link_open();
	link_phase("init");
	modules_load_initial();
	link_phase("modules");
	link_receive_job(&job);
	mounts_root(&job);
	link_phase("root");
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
