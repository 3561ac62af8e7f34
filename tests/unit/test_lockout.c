/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose session a policy would cut. */
#include <stdlib.h>

#include "ctl/lockout.h"
#include "plan_help.h"

#define LGWAN_SSH "manage = ( { from = \"lgwan\"; source = [ \"10.20.0.0/28\", \"fd00:20::5\" ]; port = [ 22, 2222 ]; } );"

static struct zg_diags diags;

static void setup(void)
{
	zg_diags_init(&diags);
}

static void teardown(void)
{
	zg_diags_free(&diags);
}

static const struct {
	const char *connection, *client;
	bool is;
	const char *peer, *local, *iface;
	uint16_t peer_port, local_port;
} texts[] = {
	{ "10.20.0.5 50000 10.20.0.1 22", NULL, true, "10.20.0.5", "10.20.0.1", "", 50000, 22 },
	{ "10.20.0.5 50000 10.20.0.1 22", "10.9.9.9 1 22", true, "10.20.0.5", "10.20.0.1", "", 50000, 22 },
	{ NULL, "10.20.0.5 50000 2222", true, "10.20.0.5", NULL, "", 50000, 2222 },
	{ "fd00:20::5 50000 fd00:20::1 22", NULL, true, "fd00:20::5", "fd00:20::1", "", 50000, 22 },
	{ "fe80::5%lg0 50000 fe80::1%lg0 22", NULL, true, "fe80::5", "fe80::1", "lg0", 50000, 22 },
	{ "::ffff:10.20.0.5 50000 ::ffff:10.20.0.1 22", NULL, true, "10.20.0.5", "10.20.0.1", "", 50000, 22 },
	{ NULL, NULL, false, NULL, NULL, NULL, 0, 0 },
	{ "", NULL, false, NULL, NULL, NULL, 0, 0 },
	{ "10.20.0.5", NULL, false, NULL, NULL, NULL, 0, 0 },
	{ "10.20.0.5 50000 10.20.0.1 70000", NULL, false, NULL, NULL, NULL, 0, 0 },
	{ "host 50000 10.20.0.1 22", NULL, false, NULL, NULL, NULL, 0, 0 },
	{ "10.20.0.5 -1 10.20.0.1 22", NULL, false, NULL, NULL, NULL, 0, 0 },
	{ NULL, "10.20.0.5 50000", false, NULL, NULL, NULL, 0, 0 },
};

START_TEST(test_parse)
{
	struct zg_session s = { .peer_port = 7 };
	char text[ZG_ADDRSTR_MAX];
	ck_assert_int_eq(zg_session_parse(texts[_i].connection, texts[_i].client, &s), texts[_i].is);
	if (!texts[_i].is) {
		ck_assert_uint_eq(s.peer_port, 7);
		return;
	}
	ck_assert_str_eq(zg_addr_str(&s.peer, text), texts[_i].peer);
	if (texts[_i].local != NULL)
		ck_assert_str_eq(zg_addr_str(&s.local, text), texts[_i].local);
	else
		ck_assert_uint_eq(s.local.family, 0);
	ck_assert_str_eq(s.iface, texts[_i].iface);
	ck_assert_uint_eq(s.peer_port, texts[_i].peer_port);
	ck_assert_uint_eq(s.local_port, texts[_i].local_port);
}
END_TEST

static const struct {
	const char *router, *connection, *iface;
	bool open;
	const char *hint; /* of the first warning; NULL = there is none */
} cases[] = {
	{ "router = { " LGWAN_SSH " };", NULL, NULL, true, NULL },
	{ "router = { " LGWAN_SSH " };", "10.20.0.5 50000 10.20.0.1 22", "lg0", true, NULL },
	{ "router = { " LGWAN_SSH " };", "10.20.0.15 50000 10.20.0.1 2222", "lg0", true, NULL },
	{ "router = { " LGWAN_SSH " };", "10.20.0.5 50000 10.20.0.1 22", "", true, NULL },
	{ "router = { " LGWAN_SSH " };", "fd00:20::5 50000 fd00:20::1 22", "lg0", true, NULL },
	{ "router = { };", "127.0.0.1 50000 127.0.0.1 22", "lo", true, NULL },
	{ "router = { " LGWAN_SSH " };", "10.20.0.16 50000 10.20.0.1 22", "lg0", false,
	  "add to manage in router: { from = \"lgwan\"; source = \"10.20.0.16\"; port = 22; }" },
	{ "router = { " LGWAN_SSH " };", "10.20.0.5 50000 10.20.0.1 23", "lg0", false, "port = 23" },
	{ "router = { " LGWAN_SSH " };", "10.20.0.5 50000 10.20.0.1 22", "in0", false,
	  "10.20.0.5 does not belong to zone \"internet\", in which interface in0 is" },
	{ "router = { " LGWAN_SSH " };", "10.20.0.5 50000 10.20.0.1 22", "wg0", false, "interface wg0 is in no zone" },
	{ "router = { };", "10.20.0.5 50000 10.20.0.1 22", "lg0", false, "add to manage" },
	{ "", "fd00:20::5 50000 fd00:20::1 22", "lg0", false,
	  "add router = { manage = ( { from = \"lgwan\"; source = \"fd00:20::5\"; port = 22; } ); };" },
	{ "", NULL, NULL, true, "add router = { ... }" },
};

START_TEST(test_cut)
{
	struct zg_policy *policy = plan_policy(PLAN_ZONES, "", cases[_i].router, &diags);
	struct zg_session s, *session = NULL;
	if (cases[_i].connection != NULL) {
		ck_assert(zg_session_parse(cases[_i].connection, NULL, &s));
		snprintf(s.iface, sizeof s.iface, "%s", cases[_i].iface);
		session = &s;
	}
	ck_assert_int_eq(zg_lockout_check(policy, session, &diags), cases[_i].open);
	ck_assert_uint_eq(diags.errors, 0);
	ck_assert_uint_eq(diags.n > 0, cases[_i].hint != NULL);
	if (cases[_i].hint != NULL)
		ck_assert_msg(strstr(diags.items[0].hint, cases[_i].hint) != NULL, "%s", diags.items[0].hint);
	zg_policy_free(policy);
}
END_TEST

/* sudo takes the settings away; an empty one says that there is no session, and nothing above us is asked. */
START_TEST(test_environment)
{
	struct zg_session s;
	setenv("SSH_CONNECTION", "198.51.100.7 50000 198.51.100.1 22", 1);
	ck_assert(zg_session_here(&s));
	ck_assert_uint_eq(s.peer_port, 50000);
	setenv("SSH_CONNECTION", "127.0.0.1 50000 127.0.0.1 22", 1);
	ck_assert(zg_session_here(&s));
	ck_assert_str_eq(s.iface, "lo");
	setenv("SSH_CONNECTION", "", 1);
	ck_assert(!zg_session_here(&s));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lockout");
	TCase *tc = tcase_create("lockout");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_parse, 0, (int)(sizeof texts / sizeof *texts));
	tcase_add_loop_test(tc, test_cut, 0, (int)(sizeof cases / sizeof *cases));
	tcase_add_test(tc, test_environment);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
