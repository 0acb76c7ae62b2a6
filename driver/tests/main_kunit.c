// SPDX-License-Identifier: GPL-2.0
/* The module of all KUnit suites; each *_kunit.c beside this is one, or some. */

#include <linux/module.h>

#include "../dsa_compat.h"

MODULE_DESCRIPTION("KUnit tests of the driver of the virtual DSA");
MODULE_AUTHOR("The virtual DSA authors");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(DSA_NS_KUNIT);
