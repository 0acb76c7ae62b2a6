// SPDX-License-Identifier: MIT
/* The module comes and goes at any quiet time, and stays while anything of it is in use. */
#include "accel_fixture.h"

#include <fcntl.h>
#include <sys/syscall.h>

/* Names the module to load again; without it, the one of the build. */
#define MODULE_ENV "DSA_MODULE"

FIXTURE(module)
{
	int image;
};

static int module_remove(void)
{
	return syscall(SYS_delete_module, "dsa_accel", O_NONBLOCK) ? -errno : 0;
}

static int module_insert(int image)
{
	return syscall(SYS_finit_module, image, "", 0) ? -errno : 0;
}

FIXTURE_SETUP(module)
{
	const char *path = getenv(MODULE_ENV), *build = getenv("B");
	char own[4096];

	snprintf(own, sizeof(own), "%s/driver/dsa_accel.ko", build ?: "build");
	self->image = open(path ?: own, O_RDONLY);
	if (self->image < 0)
		SKIP(return, "no module at $" MODULE_ENV " or $B/driver/dsa_accel.ko");
	if (access("/sys/module/dsa_accel", F_OK))
		SKIP(return, "the driver is not a loaded module");
}

FIXTURE_TEARDOWN(module)
{
	if (self->image >= 0)
		close(self->image);
}

TEST_F(module, reload)
{
	struct rig rig;
	int fd;

	for (unsigned int i = 0; i < 5; i++) {
		fd = accel_open();
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, rig_create(&rig, fd));
		EXPECT_EQ(0, rig_proof(&rig, rig.queue));
		EXPECT_EQ(-EAGAIN, module_remove());
		rig_destroy(&rig);
		ASSERT_EQ(0, close(fd));
		ASSERT_EQ(0, module_remove());
		EXPECT_EQ(-ENODEV, accel_open());
		ASSERT_EQ(0, module_insert(self->image));
	}
	fd = accel_open();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, rig_create(&rig, fd));
	EXPECT_EQ(0, rig_proof(&rig, rig.queue));
}

/* A fence that someone holds needs the driver's code. */
TEST_F(module, fence_keeps_it)
{
	struct drm_syncobj_handle export = {
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
		.fd = -1,
	};
	struct drm_dsa_sync out;
	struct rig rig;
	int fd = accel_open();

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, rig_create(&rig, fd));
	ASSERT_EQ(0, syncobj_create(fd, &export.handle));
	out = sync_out(export.handle, 0);
	ASSERT_EQ(0, submit(fd, rig.queue, 0, 0, &out, 1, NULL));
	ASSERT_EQ(0, syncobj_wait(fd, export.handle, 0));
	ASSERT_EQ(0, accel_ioctl(fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export));
	rig_destroy(&rig);
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(-EAGAIN, module_remove());
	ASSERT_EQ(0, close(export.fd));
	/* The last reference goes by way of RCU and a worker. */
	for (unsigned int i = 0; i < 500 && module_remove() == -EAGAIN; i++)
		usleep(10000);
	EXPECT_NE(0, access("/sys/module/dsa_accel", F_OK));
	ASSERT_EQ(0, module_insert(self->image));
}

TEST_HARNESS_MAIN
