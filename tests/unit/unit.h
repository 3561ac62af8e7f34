/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main of every unit test: one suite, TAP on standard output. */
#ifndef ZONEGATE_TEST_UNIT_H
#define ZONEGATE_TEST_UNIT_H

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>

/* Sanitizers make everything several times slower: what is tried at every place without them may take every STRIDEth with them,
 * begun elsewhere each time. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif
#define STRIDE (SANITIZED ? 5u : 1u)

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
