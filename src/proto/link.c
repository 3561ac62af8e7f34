/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/link.h"

#include "proto/ascii.h"
#include "zonegate/limits.h"

/* What of a link's name was there. */
enum stage { NOTHING = 0, H, HT, HTT, F, FT, WHOLE, SECURE };

static const struct {
	char wanted;
	enum stage next;
} steps[] = {
	[NOTHING] = { '\0', NOTHING }, [H] = { 't', HT },	[HT] = { 't', HTT },	 [HTT] = { 'p', WHOLE },
	[F] = { 't', FT },	       [FT] = { 'p', WHOLE },	[WHOLE] = { 's', SECURE }, [SECURE] = { '\0', NOTHING },
};

static bool goes_on(const struct zg_link *link, uint8_t lower)
{
	return lower != ZG_LINK_OTHER && (uint8_t)steps[link->stage].wanted == lower;
}

bool zg_link_wants(const struct zg_link *link, uint8_t c)
{
	return zg_ascii_lower(c) == 't' && goes_on(link, 't');
}

enum zg_link_step zg_link_feed(struct zg_link *link, uint8_t c)
{
	const uint8_t lower = zg_ascii_lower(c);
	const bool colon = c == ':' && link->stage >= WHOLE;

	if (goes_on(link, lower)) {
		link->stage = (uint8_t)steps[link->stage].next;
		return lower == 't' ? ZG_LINK_LETTER : ZG_LINK_NOTHING;
	}
	link->stage = lower == 'h' ? H : lower == 'f' ? F : NOTHING;
	if (colon)
		return ZG_LINK_COLON;
	link->n = 0;
	return ZG_LINK_NOTHING;
}

void zg_link_keep(struct zg_link *link, uint8_t behind, uint8_t mask)
{
	if (link->n == ZG_LINK_LETTERS)
		return;
	link->letter[link->n].behind = behind;
	link->letter[link->n].mask = mask;
	link->n++;
}

void zg_link_tick(struct zg_link *link)
{
	for (unsigned i = 0; i < link->n; i++)
		link->letter[i].behind++;
	if (link->n > 0 && link->letter[0].behind > ZG_HELD_REWRITE) {
		link->letter[0] = link->letter[1];
		link->n--;
	}
}

void zg_link_release(struct zg_link *link)
{
	link->n = 0;
}
