/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a configuration. Besides memory errors it looks for texts that libconfig and shape.c read differently:
 * those would be refused, but a person who wrote them honestly should not meet that message. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/inspector_double.h"
#include "zonegate/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct zg_diags diags;
	struct zg_policy *policy = NULL;
	zg_diags_init(&diags);
	enum zg_err err = zg_conf_parse("fuzz", (const char *)data, size, &diags, &policy);
	if ((err == ZG_OK) != (policy != NULL) || (err == ZG_OK) != (diags.errors == 0))
		abort();
	for (size_t i = 0; i < diags.n; i++) {
		const char *message = diags.items[i].message;
		if (strcmp(message, "the text can be read in two ways from here on") == 0 ||
		    strcmp(message, "syntax error") == 0)
			abort();
	}
	if (policy != NULL && (policy->text_len != size || memcmp(policy->text, data, size) != 0))
		abort();
	char *text = zg_diags_text(&diags, false);
	if (text == NULL || (diags.errors > 0 && strstr(text, "error: ") == NULL))
		abort();
	free(text);
	zg_diags_free(&diags);
	zg_policy_free(policy);
	return 0;
}
