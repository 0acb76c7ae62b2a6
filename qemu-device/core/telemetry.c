/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Temperature and power, from how busy the engines were of late. */
#include <errno.h>

#include "core_int.h"

#define TEMP_IDLE   34000 /* millidegrees */
#define TEMP_SPAN   43000
#define HBM_IDLE    38000
#define HBM_SPAN    34000
#define POWER_IDLE  75000 /* milliwatts */
#define POWER_SPAN  525000
#define UTIL_ONE    65536
#define UTIL_TAU_NS 2000000000ull

/* Share of host time with an engine at work, smoothed; 1 when any is at work all the time. */
static uint32_t utilisation(struct dsa_core *core)
{
	uint64_t now = now_ns(core);
	uint64_t dt = now - core->util_ns;
	uint64_t busy = core->host_busy_ns - core->util_busy_ns;
	uint64_t frac;

	if (dt < 1000000)
		return core->util;
	frac = busy >= dt ? UTIL_ONE : busy * UTIL_ONE / dt;
	core->util_ns = now;
	core->util_busy_ns = core->host_busy_ns;
	core->util = (core->util * UTIL_TAU_NS + frac * dt) / (UTIL_TAU_NS + dt);
	return core->util;
}

int32_t telemetry_temperature(struct dsa_core *core)
{
	int32_t ordered;

	if (fault_temperature(core, &ordered))
		return ordered;
	if (core->temp_fixed)
		return core->temp;
	return TEMP_IDLE + (int32_t)((uint64_t)TEMP_SPAN * utilisation(core) / UTIL_ONE);
}

int32_t telemetry_hbm_temperature(struct dsa_core *core)
{
	return HBM_IDLE + (int32_t)((uint64_t)HBM_SPAN * utilisation(core) / UTIL_ONE);
}

uint32_t telemetry_power(struct dsa_core *core)
{
	return POWER_IDLE + (uint32_t)((uint64_t)POWER_SPAN * utilisation(core) / UTIL_ONE);
}

int dsa_core_set_temperature(struct dsa_core *core, int millicelsius)
{
	if (millicelsius < -60000 || millicelsius > 150000)
		return -EINVAL;
	core_lock(core);
	core->temp_fixed = true;
	core->temp = millicelsius;
	core_unlock(core);
	return 0;
}

int dsa_core_get_temperature(struct dsa_core *core)
{
	int temp;

	core_lock(core);
	temp = telemetry_temperature(core);
	core_unlock(core);
	return temp;
}
