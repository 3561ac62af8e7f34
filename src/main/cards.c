/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which card is in which slot: the kernel's rules know interfaces by their names only. An interface whose own address is not
 * the one that the policy expects, or that is a radio in a My Number zone, is kept out of the rules, both ways, until it is
 * well again.
 */
#include "main/supervisor.h"
#include "sys/link.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_MS 250u /* between two looks: so long a strange card may pass for the one before it */

/* What is wrong with an interface; NULL = nothing. */
static const char *objection(const struct zg_zone *zone, size_t i, char buf[static 64])
{
	static const struct zg_mac any;
	struct zg_mac mac;
	char text[18];
	if (zone->kind == ZG_KIND_MYNUMBER && zg_link_wireless(zone->ifaces[i]))
		return "a radio in a My Number zone";
	if (memcmp(&zone->iface_macs[i], &any, sizeof any) == 0)
		return NULL;
	if (!zg_link_mac(zone->ifaces[i], &mac))
		return "not there, or no Ethernet card";
	if (memcmp(&mac, &zone->iface_macs[i], sizeof mac) == 0)
		return NULL;
	snprintf(buf, 64, "a card with the address %s", zg_mac_str(&mac, text));
	return buf;
}

static bool among(const struct zg_cards *cards, const char *name)
{
	for (size_t i = 0; i < cards->n; i++)
		if (strcmp(cards->names[i], name) == 0)
			return true;
	return false;
}

void zg_cards_free(struct zg_cards *cards)
{
	for (size_t i = 0; i < cards->n; i++)
		free(cards->names[i]);
	free(cards->names);
	*cards = (struct zg_cards){ 0 };
}

enum zg_err zg_cards_look(const struct zg_policy *policy, struct zg_cards *ret_cards)
{
	struct zg_cards cards = { 0 };
	char buf[64];
	for (size_t z = 0; z < policy->n_zones; z++) {
		const struct zg_zone *zone = &policy->zones[z];
		for (size_t i = 0; i < zone->n_ifaces; i++) {
			if (objection(zone, i, buf) == NULL)
				continue;
			char **names = reallocarray(cards.names, cards.n + 1, sizeof *names);
			char *name = strdup(zone->ifaces[i]);
			if (names != NULL)
				cards.names = names;
			if (names == NULL || name == NULL) {
				free(name);
				zg_cards_free(&cards);
				return ZG_ENOMEM;
			}
			cards.names[cards.n++] = name;
		}
	}
	*ret_cards = cards;
	return ZG_OK;
}

static void record(struct zg_supervisor *s, enum zg_event_kind kind, const struct zg_zone *zone, size_t i)
{
	static const struct zg_mac any;
	struct zg_event e;
	char buf[64], mac[18];
	const char *what = objection(zone, i, buf);
	const bool expected = memcmp(&zone->iface_macs[i], &any, sizeof any) != 0;
	zg_mac_str(&zone->iface_macs[i], mac);

	zg_event_init(&e, kind);
	zg_event_str(&e, ZG_F_IFACE_IN, zone->ifaces[i]);
	zg_event_str(&e, ZG_F_SRC_ZONE, zone->name);
	if (kind == ZG_E_INTERFACE_STRANGE) {
		zg_event_str(&e, ZG_F_DETAIL, what != NULL ? what : "well again by now");
		zg_event_message(&e, "interface %s of zone %s is not what the policy expects: %s%s%s; nothing passes there",
				 zone->ifaces[i], zone->name, what != NULL ? what : "for a moment", expected ? ", not " : "",
				 expected ? mac : "");
	} else {
		zg_event_message(&e, "interface %s of zone %s is the one that the policy expects again%s%s; what is permitted passes there",
				 zone->ifaces[i], zone->name, expected ? ": " : "", expected ? mac : "");
	}
	zg_record(s, &e);
}

void zg_cards_adopt(struct zg_supervisor *s, const struct zg_policy *policy)
{
	for (size_t z = 0; z < policy->n_zones; z++) {
		for (size_t i = 0; i < policy->zones[z].n_ifaces; i++) {
			const char *name = policy->zones[z].ifaces[i];
			const bool was = among(&s->strange, name), is = among(&s->compiled, name);
			if (was != is)
				record(s, is ? ZG_E_INTERFACE_STRANGE : ZG_E_INTERFACE_WELL, &policy->zones[z], i);
		}
	}
	zg_cards_free(&s->strange);
	s->strange = s->compiled;
	s->compiled = (struct zg_cards){ 0 };
}

void zg_cards_tick(struct zg_supervisor *s)
{
	const uint64_t now = zg_now_ms();
	struct zg_cards cards;

	if (s->policy == NULL || s->closed || now - s->cards_ms < LOOK_MS)
		return;
	s->cards_ms = now;
	if (zg_cards_look(s->policy, &cards) != ZG_OK)
		return;
	bool same = cards.n == s->strange.n;
	for (size_t i = 0; i < cards.n && same; i++)
		same = among(&s->strange, cards.names[i]);
	zg_cards_free(&cards);
	if (!same)
		zg_change_cards(s);
}

bool zg_cards_refuse(const struct zg_policy *policy, struct zg_diags *diags)
{
	bool refused = false;
	for (size_t z = 0; z < policy->n_zones; z++) {
		const struct zg_zone *zone = &policy->zones[z];
		for (size_t i = 0; i < zone->n_ifaces && zone->kind == ZG_KIND_MYNUMBER; i++) {
			if (!zg_link_wireless(zone->ifaces[i]))
				continue;
			zg_diag_add(diags, ZG_DIAG_ERROR, zone->line, 0, "a My Number zone uses no wireless LAN: lay a cable",
				    "interface %s of zone \"%s\" is a radio", zone->ifaces[i], zone->name);
			refused = true;
		}
	}
	return refused;
}
