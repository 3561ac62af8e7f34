/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rdp inspector against itself (streams.h) and against a reader that knows nothing of it: of a client's stream of which
 * anything was released, the first packet is a connection request that asks for TLS, and behind it come TLS records.
 */
#include <stdint.h>

#include "streams.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct zg_config configs[4];

static const struct zg_config *config_of(uint8_t choice)
{
	struct zg_config *c = &configs[choice & 3];
	if (c->bytes != NULL)
		return c;
	MUST(zg_config_init(&zg_rdp, c) == ZG_OK);
	if (choice & 1)
		MUST(zg_config_add(c, item_of(&zg_rdp, "names"), "a.jp") == ZG_OK);
	if (choice & 2)
		MUST(zg_config_add(c, item_of(&zg_rdp, "certificates"),
				   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef") == ZG_OK);
	return c;
}

static void asks_for_tls(const uint8_t *p, size_t len)
{
	MUST(len >= 19 && p[0] == 3 && p[5] == 0xe0);
	const size_t n = (size_t)p[2] << 8 | p[3];
	MUST(n <= len && p[4] == n - 5);
	/* the negotiation is the last of it, or before the last 36 octets */
	const uint8_t *at = p + n - 8;
	if (at[0] != 1 || at[2] != 8)
		at = p + n - 44;
	MUST(at >= p + 11 && at[0] == 1 && (at[4] & 15) != 0 && at[5] == 0 && at[6] == 0 && at[7] == 0);
	MUST(n == len || p[n] == 22);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t client[STREAM_MAX];

	if (size < 2 || size > STREAM_MAX)
		return 0;
	const struct run r = run_all(&zg_rdp, config_of(data[0]), data, size, client);
	if (r.released[ZG_CLIENT] > 0)
		asks_for_tls(client, r.len[ZG_CLIENT]);
	return 0;
}
