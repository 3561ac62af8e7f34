/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/client.h"
#include "ctl/kept.h"

json_t *zg_kept_ask(const char *socket, uint32_t number, bool before, enum zg_exit *ret_exit)
{
	return zg_client_ask(socket, json_pack("{s:s,s:I,s:b}", "command", "policy", "number", (json_int_t)number, "before", before), ret_exit);
}

uint32_t zg_kept_number(const json_t *answer)
{
	return (uint32_t)json_integer_value(json_object_get(answer, "number"));
}

struct zg_policy *zg_kept_policy(const json_t *answer, struct zg_diags *diags)
{
	const json_t *text = json_object_get(answer, "text");
	struct zg_policy *policy = NULL;
	char name[32];

	if (!json_is_string(text))
		return NULL;
	snprintf(name, sizeof name, "policy %u", (unsigned)zg_kept_number(answer));
	return zg_conf_parse_for(ZG_CONF_KNOWN, 0, name, json_string_value(text), json_string_length(text), diags, &policy) == ZG_OK ? policy :
																       NULL;
}
