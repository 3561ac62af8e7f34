/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The look at refused packets: reads only what is there, and answers a tuple of one family or none. */
#include "inspect/peek.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct zg_tuple t = { 0 };
	zg_peek_tuple(data, size, &t);
	if (t.client.family != t.server.family || (t.client.family != 0 && t.client.family != ZG_IPV4 && t.client.family != ZG_IPV6))
		abort();
	return 0;
}
