/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of the kernel in a tree of files that stands for /proc/sys/net. */
#include "sys/settings.h"
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];
static struct zg_settings *s;
static struct zg_setting last;
static unsigned told;

/* In the tree; "$1" is arg. */
static int shell(const char *command, const char *arg)
{
	char all[1024];
	snprintf(all, sizeof all, "cd %s && set -- '%s' && { %s; }", root, arg, command);
	return system(all);
}

static void iface(const char *name)
{
	ck_assert_int_eq(shell("mkdir -p ipv4/conf/$1 ipv6/conf/$1", name), 0);
	ck_assert_int_eq(shell("cd ipv4/conf/$1 && for f in forwarding rp_filter accept_source_route accept_redirects send_redirects "
			       "proxy_arp arp_ignore arp_announce; do echo 7 >$f; done", name), 0);
	ck_assert_int_eq(shell("cd ipv6/conf/$1 && for f in forwarding accept_ra accept_source_route; do echo 7 >$f; done", name), 0);
}

static void put(const char *name, int value)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", root, name);
	FILE *f = fopen(path, "w");
	ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
	fprintf(f, "%d\n", value);
	fclose(f);
}

static int get(const char *name)
{
	char path[256];
	int value = -99;
	snprintf(path, sizeof path, "%s/%s", root, name);
	FILE *f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
	ck_assert_int_eq(fscanf(f, "%d", &value), 1);
	fclose(f);
	return value;
}

static void on_told(void *ctx, const struct zg_setting *found)
{
	(void)ctx;
	last = *found;
	told++;
}

static void look(void)
{
	told = 0;
	zg_settings_look(s, on_told, NULL);
}

static enum zg_err set(bool forward)
{
	told = 0;
	return zg_settings_set(s, forward, on_told, NULL);
}

static const char *const names[] = { "in0", "eth0.100", "in0" };

static void setup(void)
{
	strcpy(root, "/tmp/zonegate-settings-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	iface("all");
	iface("in0");
	ck_assert_int_eq(shell("mkdir netfilter", ""), 0);
	put("ipv4/ip_forward", 0);
	put("netfilter/nf_conntrack_tcp_loose", 1);
	put("netfilter/nf_conntrack_tcp_be_liberal", 1);
	put("netfilter/nf_conntrack_checksum", 0);
	ck_assert_int_eq(zg_settings_new(root, &s), ZG_OK);
	ck_assert_int_eq(zg_settings_interfaces(s, names, 3), ZG_OK);
}

static void teardown(void)
{
	zg_settings_free(s);
	ck_assert_int_eq(shell("rm -rf \"$PWD\"", ""), 0);
}

START_TEST(all_are_set)
{
	ck_assert_int_eq(set(true), ZG_OK);
	ck_assert_uint_eq(told, 0);
	ck_assert_int_eq(get("ipv4/ip_forward"), 1);
	ck_assert_int_eq(get("ipv6/conf/all/forwarding"), 1);
	ck_assert_int_eq(get("netfilter/nf_conntrack_tcp_loose"), 0);
	ck_assert_int_eq(get("netfilter/nf_conntrack_checksum"), 1);
	ck_assert_int_eq(get("ipv4/conf/in0/arp_announce"), 2);
	ck_assert_int_eq(get("ipv6/conf/in0/accept_source_route"), -1);
	ck_assert_int_eq(get("ipv4/conf/all/arp_announce"), 7); /* not ours */
	look();
	ck_assert_uint_eq(told, 0);
}
END_TEST

START_TEST(a_change_is_put_back_and_told)
{
	ck_assert_int_eq(set(true), ZG_OK);
	put("ipv4/conf/in0/accept_redirects", 1);
	look();
	ck_assert_uint_eq(told, 1);
	ck_assert_str_eq(last.name, "net/ipv4/conf/in0/accept_redirects");
	ck_assert_int_eq(last.is, 1);
	ck_assert_int_eq(last.wanted, 0);
	ck_assert(last.ok && last.needed);
	ck_assert_int_eq(get("ipv4/conf/in0/accept_redirects"), 0);
	look();
	ck_assert_uint_eq(told, 0);
}
END_TEST

/* What the kernel changes itself when forwarding changes is no finding; forwarding is. */
START_TEST(forwarding_changes_others)
{
	ck_assert_int_eq(set(true), ZG_OK);
	put("ipv4/ip_forward", 0);
	put("ipv4/conf/all/accept_redirects", 1);
	put("ipv4/conf/in0/forwarding", 0);
	look();
	ck_assert_uint_eq(told, 1);
	ck_assert_str_eq(last.name, "net/ipv4/ip_forward");
	ck_assert_int_eq(get("ipv4/conf/all/accept_redirects"), 0);
	ck_assert_int_eq(get("ipv4/conf/in0/forwarding"), 1);
	ck_assert_int_eq(set(false), ZG_OK);
	ck_assert_int_eq(get("ipv4/ip_forward"), 0);
	/* while the boundary is closed nobody else opens it */
	put("ipv4/ip_forward", 1);
	look();
	ck_assert_uint_eq(told, 1);
	ck_assert_int_eq(get("ipv4/ip_forward"), 0);
}
END_TEST

START_TEST(a_new_interface_gets_its_settings)
{
	ck_assert_int_eq(set(true), ZG_OK);
	iface("eth0.100");
	look();
	ck_assert_uint_eq(told, 0);
	ck_assert_int_eq(get("ipv4/conf/eth0.100/rp_filter"), 0);
	put("ipv4/conf/eth0.100/rp_filter", 2);
	look();
	ck_assert_uint_eq(told, 1);
	ck_assert_str_eq(last.name, "net/ipv4/conf/eth0.100/rp_filter");
	/* another of the same name */
	ck_assert_int_eq(shell("rm -r ipv4/conf/$1 ipv6/conf/$1", "eth0.100"), 0);
	look();
	iface("eth0.100");
	look();
	ck_assert_uint_eq(told, 0);
	ck_assert_int_eq(get("ipv4/conf/eth0.100/rp_filter"), 0);
}
END_TEST

/* A directory in the place of the file: it can be neither read nor written, root or not. */
static void refuse(const char *name)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", root, name);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
}

START_TEST(one_that_is_needed_and_cannot_be_set)
{
	refuse("netfilter/nf_conntrack_tcp_loose");
	ck_assert_int_eq(set(true), ZG_ESYS);
	ck_assert_uint_eq(told, 1);
	ck_assert_str_eq(last.name, "net/netfilter/nf_conntrack_tcp_loose");
	ck_assert(!last.ok && last.needed && last.error == EISDIR);
	ck_assert_int_eq(get("ipv4/ip_forward"), 0); /* stays closed */
}
END_TEST

START_TEST(one_that_the_kernel_has_to_have)
{
	ck_assert_int_eq(shell("rm netfilter/$1", "nf_conntrack_tcp_loose"), 0);
	ck_assert_int_eq(set(true), ZG_ESYS);
	ck_assert_int_eq(last.error, ENOENT);
}
END_TEST

START_TEST(one_that_is_good_to_have)
{
	refuse("ipv4/conf/in0/arp_ignore");
	ck_assert_int_eq(set(true), ZG_OK);
	ck_assert_str_eq(last.name, "net/ipv4/conf/in0/arp_ignore");
	ck_assert(!last.ok && !last.needed);
	ck_assert_int_eq(get("ipv4/ip_forward"), 1);
	look(); /* told once */
	ck_assert_uint_eq(told, 0);
}
END_TEST

static void count_all(void *ctx, const struct zg_setting *each)
{
	unsigned *n = ctx;
	n[0]++;
	n[1] += each->ok;
}

START_TEST(the_list_has_what_is_there)
{
	unsigned n[2] = { 0, 0 };
	ck_assert_int_eq(set(true), ZG_OK);
	zg_settings_list(s, count_all, n);
	/* of the host 4 + ip_forward's twin + conf/all, of the one interface that is there 11 */
	ck_assert_uint_eq(n[0], n[1]);
	ck_assert_uint_eq(n[0], 5 + 5 + 11);
	/* the same policy again, and one without the interface */
	ck_assert_int_eq(zg_settings_interfaces(s, names, 1), ZG_OK);
	put("ipv4/conf/in0/proxy_arp", 1);
	look();
	ck_assert_uint_eq(told, 1);
	ck_assert_int_eq(zg_settings_interfaces(s, names, 0), ZG_OK);
	put("ipv4/conf/in0/proxy_arp", 1);
	look();
	ck_assert_uint_eq(told, 0);
	ck_assert_int_eq(get("ipv4/conf/in0/proxy_arp"), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("settings");
	TCase *tc = tcase_create("settings");
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, all_are_set);
	tcase_add_test(tc, a_change_is_put_back_and_told);
	tcase_add_test(tc, forwarding_changes_others);
	tcase_add_test(tc, a_new_interface_gets_its_settings);
	tcase_add_test(tc, one_that_is_needed_and_cannot_be_set);
	tcase_add_test(tc, one_that_the_kernel_has_to_have);
	tcase_add_test(tc, one_that_is_good_to_have);
	tcase_add_test(tc, the_list_has_what_is_there);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
