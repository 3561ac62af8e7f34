/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "unit.h"
#include "zonegate/addr.h"

static struct zg_addr addr(const char *s)
{
	struct zg_addr a;
	ck_assert_msg(zg_addr_parse(s, &a) == ZG_OK, "%s", s);
	return a;
}

static struct zg_range range(const char *s)
{
	struct zg_range r;
	ck_assert_msg(zg_range_parse(s, &r) == ZG_OK, "%s", s);
	return r;
}

START_TEST(addresses_print_as_parsed)
{
	static const char *const same[] = { "0.0.0.0", "192.0.2.1",   "255.255.255.255",      "::",
					    "::1",     "2001:db8::1", "2001:db8:0:1:1:1:1:1", "fd00:30::25" };
	char buf[ZG_ADDRSTR_MAX];
	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
		struct zg_addr a = addr(same[i]);
		ck_assert_str_eq(zg_addr_str(&a, buf), same[i]);
	}
	struct zg_addr a = addr("2001:DB8:0:0:1:0:0:1"); /* RFC 5952 4: small letters, first longest run */
	ck_assert_str_eq(zg_addr_str(&a, buf), "2001:db8::1:0:0:1");
}
END_TEST

START_TEST(malformed_addresses)
{
	static const char *const bad[] = { "",		 " 192.0.2.1", "192.0.2.1 ", "192.0.2",	     "192.0.2.256",
					   "192.0.2.01", "0x7f.0.0.1", "1.2.3.4.5",  "fe80::1%eth0", "::1::",
					   "12345::",	 "[::1]",      "localhost",  "１.2.3.4",     "192.0.2.1:25",
					   ":",		 "2130706433" };
	struct zg_addr a = addr("192.0.2.9"), before = a;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		ck_assert_msg(zg_addr_parse(bad[i], &a) == ZG_EINVAL, "%s", bad[i]);
		ck_assert_mem_eq(&a, &before, sizeof a);
	}
}
END_TEST

START_TEST(ranges_print_as_parsed)
{
	static const char *const same[] = {
		"192.0.2.1",	 "192.0.2.0/24",	"0.0.0.0/0",	      "::/0",
		"2001:db8::/33", "192.0.2.1-192.0.2.9", "fd00::1-fd00::ffff", "10.0.0.0/31"
	};
	char buf[2 * ZG_ADDRSTR_MAX];
	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
		struct zg_range r = range(same[i]);
		ck_assert_str_eq(zg_range_str(&r, buf), same[i]);
	}
	struct zg_range r = range("192.0.2.0-192.0.2.255");
	ck_assert_str_eq(zg_range_str(&r, buf), "192.0.2.0/24");
	r = range("192.0.2.7/32");
	ck_assert_str_eq(zg_range_str(&r, buf), "192.0.2.7");
}
END_TEST

START_TEST(malformed_ranges)
{
	static const char *const bad[] = { "192.0.2.1/24",
					   "192.0.2.0/33",
					   "192.0.2.0/",
					   "192.0.2.0/024",
					   "192.0.2.0/+4",
					   "2001:db8::/129",
					   "2001:db8::1/64",
					   "192.0.2.9-192.0.2.1",
					   "192.0.2.1-::1",
					   "192.0.2.1-",
					   "-192.0.2.1",
					   "192.0.2.1 - 192.0.2.2",
					   "192.0.2.0/24-192.0.3.0",
					   "/24",
					   "",
					   "192.0.2.0/24/24" };
	struct zg_range r = range("192.0.2.9"), before = r;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		ck_assert_msg(zg_range_parse(bad[i], &r) == ZG_EINVAL, "%s", bad[i]);
		ck_assert_mem_eq(&r, &before, sizeof r);
	}
	char long_text[4096];
	memset(long_text, '1', sizeof long_text - 1);
	long_text[sizeof long_text - 1] = '\0';
	ck_assert_int_eq(zg_range_parse(long_text, &r), ZG_EINVAL);
}
END_TEST

START_TEST(order_and_membership)
{
	struct zg_addr a = addr("192.0.2.1"), b = addr("192.0.2.2"), c = addr("::1");
	ck_assert_int_lt(zg_addr_cmp(&a, &b), 0);
	ck_assert_int_gt(zg_addr_cmp(&b, &a), 0);
	ck_assert_int_eq(zg_addr_cmp(&a, &a), 0);
	ck_assert_int_lt(zg_addr_cmp(&b, &c), 0);

	struct zg_range r = range("192.0.2.1-192.0.2.2"), zero = range("0.0.0.0/0"), six = range("::/0");
	ck_assert(zg_range_has(&r, &a) && zg_range_has(&r, &b) && !zg_range_has(&r, &c));
	ck_assert(zg_range_has(&six, &c) && !zg_range_has(&six, &a));
	ck_assert(zg_range_overlap(&r, &zero) && zg_range_overlap(&zero, &r) && !zg_range_overlap(&zero, &six));
	struct zg_range next = range("192.0.2.3-192.0.2.4");
	ck_assert(!zg_range_overlap(&r, &next) && !zg_range_overlap(&next, &r));
}
END_TEST

START_TEST(neighbours)
{
	struct zg_addr a = addr("192.0.255.255"), n;
	char buf[ZG_ADDRSTR_MAX];
	ck_assert(zg_addr_next(&a, &n));
	ck_assert_str_eq(zg_addr_str(&n, buf), "192.1.0.0");
	ck_assert(zg_addr_prev(&n, &n));
	ck_assert_int_eq(zg_addr_cmp(&a, &n), 0);
	a = addr("255.255.255.255");
	ck_assert(!zg_addr_next(&a, &n));
	a = addr("::");
	ck_assert(!zg_addr_prev(&a, &n));
	a = addr("::ffff:ffff");
	ck_assert(zg_addr_next(&a, &n));
	ck_assert_str_eq(zg_addr_str(&n, buf), "::1:0:0");
}
END_TEST

START_TEST(mac_addresses)
{
	static const char *const bad[] = { "00:53:00:00:00",	"00:53:00:00:00:01:02", "00-53-00-00-00-01",
					   "0:53:0:0:0:1",	"00:53:00:00:00:0g",	"01:00:5e:00:00:01",
					   "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00",	"" };
	struct zg_mac mac;
	char buf[18];
	ck_assert_int_eq(zg_mac_parse("00:53:Ab:CD:ef:01", &mac), ZG_OK);
	ck_assert_str_eq(zg_mac_str(&mac, buf), "00:53:ab:cd:ef:01");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(zg_mac_parse(bad[i], &mac) == ZG_EINVAL, "%s", bad[i]);
}
END_TEST

START_TEST(endpoints)
{
	static const char *const same[] = { "192.0.2.1:25", "[2001:db8::1]:65535", "[::]:0",
					    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535" };
	static const char *const bad[] = { "192.0.2.1",	     "2001:db8::1:25",
					   "[192.0.2.1]:25", "192.0.2.1:65536",
					   "192.0.2.1:",     "192.0.2.1:025",
					   "[::1]25",	     "[::1:25",
					   "::1]:25",	     ":25",
					   "[]:25",	     "192.0.2.1:-1" };
	struct zg_addr a;
	uint16_t port;
	char buf[ZG_ADDRSTR_MAX];
	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
		ck_assert_int_eq(zg_endpoint_parse(same[i], &a, &port), ZG_OK);
		ck_assert_str_eq(zg_endpoint_str(&a, port, buf), same[i]);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(zg_endpoint_parse(bad[i], &a, &port) == ZG_EINVAL, "%s", bad[i]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("addr");
	TCase *tc = tcase_create("addr");
	tcase_add_test(tc, addresses_print_as_parsed);
	tcase_add_test(tc, malformed_addresses);
	tcase_add_test(tc, ranges_print_as_parsed);
	tcase_add_test(tc, malformed_ranges);
	tcase_add_test(tc, order_and_membership);
	tcase_add_test(tc, neighbours);
	tcase_add_test(tc, mac_addresses);
	tcase_add_test(tc, endpoints);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
