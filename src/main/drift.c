/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The backstop belongs to nobody, so that it outlives the daemon; therefore anybody's `flush ruleset` takes it away. The
 * policy table has an owner and keeps the boundary closed meanwhile; here the backstop comes back. */
#include "main/supervisor.h"

#define DRIFT_MS 700u /* between two looks: with the main loop's own step less than a second */

static bool backstop_stands(struct zg_supervisor *s, struct zg_diags *diags)
{
	struct zg_plan *plan = NULL;
	/* out of memory is no finding about the kernel: look again later */
	if (zg_plan_backstop(&plan) != ZG_OK)
		return true;
	bool ok = zg_nft_verify(s->nft, plan, diags) != ZG_EDRIFT;
	zg_plan_free(plan);
	return ok;
}

void zg_drift_tick(struct zg_supervisor *s)
{
	const uint64_t now = zg_now_ms();
	struct zg_diags diags;
	struct zg_event e;

	if (now - s->drift_ms < DRIFT_MS)
		return;
	s->drift_ms = now;
	zg_switches_look(s);
	zg_diags_init(&diags);
	if (backstop_stands(s, &diags))
		goto out;
	zg_event_init(&e, ZG_E_BACKSTOP_RESTORED);
	if (diags.n > 0)
		zg_event_str(&e, ZG_F_DETAIL, diags.items[0].message);
	enum zg_err err = zg_nft_backstop(s->nft, &diags);
	zg_event_str(&e, ZG_F_STATUS, err == ZG_OK ? "restored" : zg_strerror(err));
	zg_event_message(&e, "the backstop table was missing or changed%s: did somebody flush the rule set? The policy table kept the boundary",
			 err == ZG_OK ? " and is in place again" : " and could not be loaded again");
	zg_record(s, &e);
out:
	zg_diags_free(&diags);
}
