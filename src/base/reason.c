/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "zonegate/reason.h"

static const struct {
	const char *name, *text, *source;
} reasons[ZG_REASON_COUNT] = {
#define ZG_REASON_ROW(id, name, text, source) [ZG_R_##id] = { name, text, source },
	ZG_REASONS(ZG_REASON_ROW)
#undef ZG_REASON_ROW
};

const char *zg_reason_name(enum zg_reason reason)
{
	return (unsigned)reason < ZG_REASON_COUNT ? reasons[reason].name : "unknown";
}

const char *zg_reason_text(enum zg_reason reason)
{
	return (unsigned)reason < ZG_REASON_COUNT ? reasons[reason].text : "unknown";
}

const char *zg_reason_source(enum zg_reason reason)
{
	return (unsigned)reason < ZG_REASON_COUNT ? reasons[reason].source : "unknown";
}
