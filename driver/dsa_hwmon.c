// SPDX-License-Identifier: GPL-2.0
/* Sensors: temperatures, power and clock, for sensors(1) and the like. */

#include <linux/hwmon.h>
#include <linux/hwmon-sysfs.h>
#include <linux/units.h>

#include "dsa_hw.h"

static const u32 dsa_temp_regs[] = { DSA_REG_TEMPERATURE, DSA_REG_HBM_TEMPERATURE };
static const char * const dsa_temp_labels[] = { "core", "HBM" };

/* The HBM's sensor came with version 1.2. */
static bool dsa_hwmon_has(const struct dsa_device *dsa, enum hwmon_sensor_types type, int channel)
{
	return type != hwmon_temp || !channel || dsa_has_version(dsa, 2);
}

static umode_t dsa_hwmon_is_visible(const void *data, enum hwmon_sensor_types type, u32 attr,
				    int channel)
{
	return dsa_hwmon_has(data, type, channel) ? 0444 : 0;
}

static int dsa_hwmon_read_reg(struct dsa_device *dsa, u32 reg, u32 *value)
{
	int idx, ret;

	ret = dsa_device_enter(dsa, &idx);
	if (ret)
		return ret;
	*value = dsa_read(dsa, reg);
	dsa_device_exit(dsa, idx);
	return 0;
}

static int dsa_hwmon_read(struct device *dev, enum hwmon_sensor_types type, u32 attr, int channel,
			  long *val)
{
	struct dsa_device *dsa = dev_get_drvdata(dev);
	u32 reg = type == hwmon_power ? DSA_REG_POWER : dsa_temp_regs[channel];
	u32 value;
	int ret;

	ret = dsa_hwmon_read_reg(dsa, reg, &value);
	if (ret)
		return ret;
	/* hwmon counts power in microwatts, and temperature as the device does. */
	*val = type == hwmon_power ? (long)value * MICROWATT_PER_MILLIWATT : (s32)value;
	return 0;
}

static int dsa_hwmon_read_string(struct device *dev, enum hwmon_sensor_types type, u32 attr,
				 int channel, const char **str)
{
	*str = dsa_temp_labels[channel];
	return 0;
}

static const struct hwmon_ops dsa_hwmon_ops = {
	.is_visible = dsa_hwmon_is_visible,
	.read = dsa_hwmon_read,
	.read_string = dsa_hwmon_read_string,
};

static const struct hwmon_channel_info * const dsa_hwmon_channels[] = {
	HWMON_CHANNEL_INFO(temp, HWMON_T_INPUT | HWMON_T_LABEL, HWMON_T_INPUT | HWMON_T_LABEL),
	HWMON_CHANNEL_INFO(power, HWMON_P_INPUT),
	NULL
};

static const struct hwmon_chip_info dsa_hwmon_chip = {
	.ops = &dsa_hwmon_ops,
	.info = dsa_hwmon_channels,
};

/* hwmon has no type for clocks; drivers of accelerators agree on these names. */
static ssize_t freq1_input_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	u32 khz;
	int ret;

	ret = dsa_hwmon_read_reg(dev_get_drvdata(dev), DSA_REG_CLOCK_NOW, &khz);
	return ret ?: sysfs_emit(buf, "%llu\n", (u64)khz * HZ_PER_KHZ);
}
static DEVICE_ATTR_RO(freq1_input);

static ssize_t freq1_label_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "core\n");
}
static DEVICE_ATTR_RO(freq1_label);

static struct attribute *dsa_hwmon_attrs[] = {
	&dev_attr_freq1_input.attr,
	&dev_attr_freq1_label.attr,
	NULL
};
ATTRIBUTE_GROUPS(dsa_hwmon);

/**
 * dsa_hwmon_init - Register the sensors; they go with the binding.
 * @dsa: the device, in service.
 *
 * A device without sensors works as well: what fails is only said.
 */
void dsa_hwmon_init(struct dsa_device *dsa)
{
	struct device *dev = dsa->drm.dev, *hwmon;

	hwmon = devm_hwmon_device_register_with_info(dev, DSA_DRIVER_NAME, dsa, &dsa_hwmon_chip,
						     dsa_hwmon_groups);
	if (IS_ERR(hwmon) && PTR_ERR(hwmon) != -EOPNOTSUPP)
		dev_warn(dev, "no sensors: %pe\n", hwmon);
}
