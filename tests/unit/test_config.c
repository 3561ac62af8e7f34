/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of strings in an inspector's configuration: from the text to what the inspector reads in the runtime table. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/tls_config.h"
#include "unit.h"
#include "zonegate/policy.h"
#include "zonegate/rtab.h"

#define ZONES                                                                                                                    \
	"version = 1; model = \"alpha-prime\"; zones = (\n"                                                                     \
	"{ name = \"lg\"; kind = \"lgwan\"; interfaces = \"lg0\"; addresses = \"10.2.0.0/16\"; },\n"                            \
	"{ name = \"net\"; kind = \"internet\"; interfaces = \"in0\"; addresses = \"10.3.0.0/16\"; } );\n"
#define ENDS(port) "from = \"lg\"; to = \"net\"; source = \"10.2.0.1\"; destination = \"10.3.0." port "\"; ticket = \"t\"; approver = \"a\";"
#define FLOW(name, items, port)                                                                                                  \
	"{ name = \"" name "\"; " ENDS(port) " protocol = \"tcp\"; port = 443; inspector = \"tls\";\n" items " }"
#define SERVED(name, port) "{ name = \"" name "\"; " ENDS(port) " service = \"cloud\"; }"

static struct zg_policy *parse(const char *text)
{
	struct zg_policy *policy = NULL;
	struct zg_diags diags;
	zg_diags_init(&diags);
	if (zg_conf_parse_for(ZG_CONF_KNOWN, 0, "test.conf", text, strlen(text), &diags, &policy) != ZG_OK)
		ck_abort_msg("%s", zg_diags_text(&diags, false));
	zg_diags_free(&diags);
	return policy;
}

static void refused(const char *text, const char *words)
{
	struct zg_policy *policy = NULL;
	struct zg_diags diags;
	zg_diags_init(&diags);
	ck_assert_int_eq(zg_conf_parse_for(ZG_CONF_KNOWN, 0, "test.conf", text, strlen(text), &diags, &policy), ZG_ECONF);
	char *shown = zg_diags_text(&diags, false);
	ck_assert_msg(strstr(shown, words) != NULL, "no \"%s\" in\n%s", words, shown);
	free(shown);
	zg_diags_free(&diags);
}

/* All strings of a list, with a blank behind each. */
static const char *joined(const void *config, const struct zg_item_list *list)
{
	static char text[400];
	struct zg_item_list cursor = { 0 };
	const uint8_t *string;
	size_t len, n = 0;
	text[0] = '\0';
	while (zg_item_list_next(config, list, &cursor, &string, &len))
		n += (size_t)snprintf(text + n, sizeof text - n, "%.*s ", (int)len, (const char *)string);
	return text;
}

static const struct zg_tls_config *tls_of(const void *config)
{
	return config;
}

START_TEST(lists_reach_the_inspector)
{
	struct zg_policy *p = parse(ZONES "services = ( { name = \"cloud\"; protocol = \"tcp\"; port = 443; inspector = \"tls\";\n"
		"tls = { alpn = \"h2\"; names = [ \"A.example\", \"*.b.example\" ]; }; } );\n"
		"flows = (" FLOW("one", "tls = { names = \"c.example\"; };", "1") ",\n" SERVED("two", "2") ",\n" SERVED("three", "3") ");\n");
	struct zg_rtab *rtab;
	struct zg_flow_policy of[3];
	int fd;
	ck_assert_int_eq(zg_rtab_make(p, &fd), ZG_OK);
	ck_assert_int_eq(zg_rtab_map(fd, &rtab), ZG_OK);
	close(fd);
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert(zg_rtab_resolve(rtab, i + 1, &of[i]));
		ck_assert_ptr_eq(of[i].inspector, &zg_tls);
		ck_assert_uint_eq((uintptr_t)of[i].config % 8, 0);
	}
	ck_assert_str_eq(joined(of[0].config, &tls_of(of[0].config)->names), "c.example ");
	ck_assert_str_eq(joined(of[0].config, &tls_of(of[0].config)->alpn), "");
	ck_assert_str_eq(joined(of[1].config, &tls_of(of[1].config)->names), "a.example *.b.example ");
	ck_assert_str_eq(joined(of[1].config, &tls_of(of[1].config)->alpn), "h2 ");
	ck_assert_ptr_eq(of[1].config, of[2].config); /* one service, one configuration */
	ck_assert_ptr_eq(p->flows[1].config.bytes, p->services[0].config.bytes);
	zg_rtab_unmap(rtab);
	zg_policy_free(p);
}
END_TEST

START_TEST(the_same_settings_are_the_same_bytes)
{
	static const char *const texts[] = {
		ZONES "flows = (" FLOW("one", "tls = { names = [ \"a.example\" ]; alpn = \"h2\"; };", "1") ");",
		ZONES "flows = (" FLOW("one", "tls = { alpn = [ \"h2\" ]; names = \"A.EXAMPLE\"; };", "1") ");",
		ZONES "flows = (" FLOW("one", "tls = { alpn = [ \"h2\" ]; names = [ \"a.example\", \"b.example\" ]; };", "1") ");",
	};
	uint64_t identity[3];
	for (size_t i = 0; i < 3; i++) {
		struct zg_policy *p = parse(texts[i]);
		identity[i] = zg_flow_identity(&p->flows[0]);
		zg_policy_free(p);
	}
	ck_assert(identity[0] == identity[1] && identity[1] != identity[2]);
}
END_TEST

START_TEST(mistakes_in_lists)
{
#define ONE(items) ZONES "flows = (" FLOW("one", items, "1") ");"
	refused(ONE(""), "needs \"names\"");
	refused(ONE("tls = { alpn = \"h2\"; };"), "needs \"names\"");
	refused(ONE("tls = { names = [ ]; };"), "\"names\" is empty");
	refused(ONE("tls = { names = 5; };"), "a string");
	refused(ONE("tls = { names = [ \"a.example\", \"b.example.\" ]; };"), "\"b.example.\" cannot stand in \"names\"");
	refused(ONE("tls = { names = \"10.0.0.1\"; };"), "an address is no name");
	refused(ONE("tls = { names = \"*.jp\"; };"), "half of the Internet");
	refused(ONE("tls = { names = \"*\"; };"), "one label");
	refused(ONE("tls = { names = \"a.*.example\"; };"), "one label");
	refused(ONE("tls = { names = \"例.jp\"; };"), "xn--");
	refused(ONE("tls = { names = \"a.example\"; alpn = \"h 2\"; };"), "IANA");
	refused(ONE("tls = { names = \"a.example\"; min_version = \"1.1\"; };"), "min_version");
}
END_TEST

START_TEST(lists_from_elsewhere_are_looked_at)
{
	struct zg_config c;
	struct zg_item_list bad;
	const struct zg_item *names = &zg_tls.items[0];
	ck_assert_int_eq(zg_config_init(&zg_tls, &c), ZG_OK);
	ck_assert(zg_config_valid(&zg_tls, c.bytes, c.len));
	ck_assert(!zg_config_valid(&zg_tls, c.bytes, c.len - 1));
	ck_assert_int_eq(zg_config_add(&c, names, "a.example"), ZG_OK);
	ck_assert_int_eq(zg_config_add(&c, names, "b"), ZG_OK);
	ck_assert(zg_config_valid(&zg_tls, c.bytes, c.len));
	ck_assert(!zg_config_valid(&zg_tls, c.bytes, c.len - 1));
	static const struct zg_item_list wrong[] = { { UINT32_MAX, 1 }, { 0, UINT32_MAX }, { 1u << 20, 2 } };
	for (size_t i = 0; i < 3; i++) {
		bad = wrong[i];
		memcpy(c.bytes + names->offset, &bad, sizeof bad);
		ck_assert(!zg_config_valid(&zg_tls, c.bytes, c.len));
	}
	free(c.bytes);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tc = tcase_create("config");
	tcase_add_test(tc, lists_reach_the_inspector);
	tcase_add_test(tc, the_same_settings_are_the_same_bytes);
	tcase_add_test(tc, mistakes_in_lists);
	tcase_add_test(tc, lists_from_elsewhere_are_looked_at);
	suite_add_tcase(suite, tc);
	return unit_main(suite);
}
