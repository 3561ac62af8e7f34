/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main of every unit test: one suite, TAP on standard output. */
#ifndef ZONEGATE_TEST_UNIT_H
#define ZONEGATE_TEST_UNIT_H

#include <check.h>
#include <stdlib.h>

static inline int unit_main(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
