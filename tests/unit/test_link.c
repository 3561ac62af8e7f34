/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says of interfaces, and what the daemon makes of it. Radios are played: a directory of ours over /sys/class/net. */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inspector_double.h"
#include "main/supervisor.h"
#include "sys/link.h"
#include "unit.h"

static const char text[] =
	"version = 1; zones = (\n"
	"  { name = \"mn\"; kind = \"mynumber\"; interfaces = ( \"mn0\", { name = \"mn1\"; mac = \"00:53:00:00:00:01\"; } );\n"
	"    addresses = \"10.1.0.0/16\"; },\n"
	"  { name = \"lg\"; kind = \"lgwan\"; interfaces = [ \"lg0\" ]; addresses = \"10.2.0.0/16\"; } );\n";

static struct zg_policy *parse(void)
{
	struct zg_diags diags;
	struct zg_policy *policy = NULL;
	zg_diags_init(&diags);
	ck_assert_int_eq(zg_conf_parse("test.conf", text, strlen(text), &diags, &policy), ZG_OK);
	zg_diags_free(&diags);
	return policy;
}

static void play_radio(const char *path)
{
	ck_assert_int_eq(mount("none", "/sys/class/net", "tmpfs", 0, NULL), 0);
	char *command = NULL;
	ck_assert_int_gt(asprintf(&command, "mkdir -p /sys/class/net/%s", path), 0);
	ck_assert_int_eq(system(command), 0);
	free(command);
}

/* Network and mounts of our own; the test runs in a process of its own. */
static bool leave(void)
{
	if (unshare(CLONE_NEWNS | CLONE_NEWNET) != 0)
		return false;
	ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	ck_assert_int_eq(system("ip link add mn1 type veth peer name peer0 && ip link set mn1 address 00:53:00:00:00:01"), 0);
	return true;
}

static size_t strange(const struct zg_policy *policy, const char *first)
{
	struct zg_cards cards;
	ck_assert_int_eq(zg_cards_look(policy, &cards), ZG_OK);
	size_t n = cards.n;
	if (n > 0)
		ck_assert_str_eq(cards.names[0], first);
	zg_cards_free(&cards);
	return n;
}

START_TEST(cards_by_address)
{
	struct zg_mac mac;
	if (!leave())
		return; /* not root: the lab looks at it */
	struct zg_policy *policy = parse();
	ck_assert(!zg_link_mac("none0", &mac));
	ck_assert(!zg_link_mac("lo", &mac));
	ck_assert(zg_link_mac("mn1", &mac));
	ck_assert_int_eq(mac.b[5], 1);
	ck_assert_uint_eq(strange(policy, ""), 0);
	ck_assert_int_eq(system("ip link set mn1 address 00:53:00:00:00:02"), 0);
	ck_assert_uint_eq(strange(policy, "mn1"), 1);
	ck_assert_int_eq(system("ip link del mn1"), 0);
	ck_assert_uint_eq(strange(policy, "mn1"), 1);
	zg_policy_free(policy);
}
END_TEST

START_TEST(radios_in_a_my_number_zone)
{
	static const char *const signs[] = { "mn0/wireless", "mn0/phy80211", "lg0/wireless" };
	struct zg_diags diags;
	if (!leave())
		return;
	struct zg_policy *policy = parse();
	zg_diags_init(&diags);
	ck_assert(!zg_cards_refuse(policy, &diags));
	play_radio(signs[_i]);
	ck_assert(zg_link_wireless(_i < 2 ? "mn0" : "lg0"));
	ck_assert(!zg_link_wireless("mn1"));
	ck_assert(zg_cards_refuse(policy, &diags) == (_i < 2));
	ck_assert_uint_eq(diags.errors, _i < 2 ? 1 : 0);
	ck_assert_uint_eq(strange(policy, "mn0"), _i < 2 ? 1 : 0);
	zg_diags_free(&diags);
	zg_policy_free(policy);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link");
	TCase *tc = tcase_create("link");
	tcase_add_test(tc, cards_by_address);
	tcase_add_loop_test(tc, radios_in_a_my_number_zone, 0, 3);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
