/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "zonegate/refusal.h"

#include <string.h>

#include "unit.h"

START_TEST(every_reason_makes_one_line)
{
	char buf[ZG_REFUSAL_MAX];

	for (int r = 0; r < ZG_REASON_COUNT; r++) {
		size_t n = zg_refusal_text(ZG_REFUSAL_SMTP_554, (enum zg_reason)r, buf);
		ck_assert_uint_eq(n, strlen(buf));
		ck_assert_uint_gt(n, 24);
		ck_assert_int_eq(strncmp(buf, "554 5.7.1 zonegate: ", 20), 0);
		ck_assert_ptr_eq(strchr(buf, '\n'), buf + n - 1);
		ck_assert_ptr_eq(strchr(buf, '\r'), buf + n - 2);
		/* nothing was cut off */
		ck_assert_ptr_nonnull(strstr(buf, zg_reason_text((enum zg_reason)r)));
		ck_assert_ptr_nonnull(strstr(buf, zg_reason_name((enum zg_reason)r)));
	}
}
END_TEST

/* RFC 8446 6: one record, fatal; what the client's people read of it. */
START_TEST(every_reason_makes_one_alert)
{
	char buf[ZG_REFUSAL_MAX];
	static const struct {
		enum zg_reason reason;
		char alert;
	} some[] = { { ZG_R_TLS_NAME, 112 }, { ZG_R_TLS_VERSION, 70 }, { ZG_R_TLS_ALPN, 120 }, { ZG_R_TLS_ENCRYPTED_HELLO, 49 },
		   { ZG_R_TLS_EARLY_DATA, 10 } };

	for (int r = 0; r < ZG_REASON_COUNT; r++) {
		ck_assert_uint_eq(zg_refusal_text(ZG_REFUSAL_TLS_ALERT, (enum zg_reason)r, buf), 7);
		ck_assert_mem_eq(buf, "\x15\3\3\0\2\2", 6);
	}
	for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
		zg_refusal_text(ZG_REFUSAL_TLS_ALERT, some[i].reason, buf);
		ck_assert_int_eq(buf[6], some[i].alert);
	}
}
END_TEST

/* Security type 0 (in 3.3 of four bytes), and the reason as a string. */
START_TEST(every_reason_makes_a_failure_of_rfb)
{
	char buf[ZG_REFUSAL_MAX];

	for (int r = 0; r < ZG_REASON_COUNT; r++) {
		const char *text = zg_reason_text((enum zg_reason)r), *name = zg_reason_name((enum zg_reason)r);
		for (size_t zeros = 1; zeros <= 4; zeros += 3) {
			const size_t n = zg_refusal_text(zeros == 1 ? ZG_REFUSAL_RFB : ZG_REFUSAL_RFB_33, (enum zg_reason)r, buf);
			ck_assert_uint_gt(n, zeros + 4 + 10);
			ck_assert_uint_lt(n, sizeof buf);
			for (size_t i = 0; i < zeros + 3; i++)
				ck_assert_int_eq(buf[i], 0);
			ck_assert_uint_eq((unsigned char)buf[zeros + 3], n - zeros - 4);
			ck_assert_uint_eq(strlen(buf + zeros + 4), n - zeros - 4);
			ck_assert(strstr(buf + zeros + 4, text) != NULL && strstr(buf + zeros + 4, name) != NULL);
		}
	}
}
END_TEST

START_TEST(no_text_for_a_reset)
{
	char buf[ZG_REFUSAL_MAX] = "x";

	ck_assert_uint_eq(zg_refusal_text(ZG_REFUSAL_RESET, ZG_R_TCP_OVERLAP, buf), 0);
	ck_assert_str_eq(buf, "");
	ck_assert_uint_eq(zg_refusal_text(ZG_REFUSAL_COUNT, ZG_R_TCP_OVERLAP, buf), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("refusal");
	TCase *tc = tcase_create("text");
	tcase_add_test(tc, every_reason_makes_one_line);
	tcase_add_test(tc, every_reason_makes_one_alert);
	tcase_add_test(tc, every_reason_makes_a_failure_of_rfb);
	tcase_add_test(tc, no_text_for_a_reset);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
