/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each network model is made of between LGWAN and the outside, after the ministry's guideline (zonegate.conf(5) has the
 * same table): in α the staff's terminals stand in the LGWAN zone and see the Internet by screen transfer; α´ adds
 * a way out of LGWAN to named cloud services; in β and β´ they stand in the Internet zone and see LGWAN systems by screen
 * transfer. Text of mail goes both ways in all of them.
 */
#include <string.h>

#include "zonegate/policy.h"

#define ALPHA	    (1u << ZG_MODEL_ALPHA)
#define ALPHA_PRIME (1u << ZG_MODEL_ALPHA_PRIME)
#define BETA	    (1u << ZG_MODEL_BETA)
#define BETA_PRIME  (1u << ZG_MODEL_BETA_PRIME)
#define ALL	    (ALPHA | ALPHA_PRIME | BETA | BETA_PRIME)

static const struct {
	unsigned models;
	enum zg_kind from, to;
	const char *inspector;
} rows[] = {
	{ ALL, ZG_KIND_INTERNET, ZG_KIND_LGWAN, "smtp" },
	{ ALL, ZG_KIND_LGWAN, ZG_KIND_INTERNET, "smtp" },
	{ ALL, ZG_KIND_UPLINK, ZG_KIND_LGWAN, "smtp" },
	{ ALL, ZG_KIND_LGWAN, ZG_KIND_UPLINK, "smtp" },
	{ ALPHA | ALPHA_PRIME, ZG_KIND_LGWAN, ZG_KIND_INTERNET, "rfb" },
	{ ALPHA | ALPHA_PRIME, ZG_KIND_LGWAN, ZG_KIND_INTERNET, "rdp" },
	{ ALPHA_PRIME, ZG_KIND_LGWAN, ZG_KIND_INTERNET, "tls" },
	{ ALPHA_PRIME, ZG_KIND_LGWAN, ZG_KIND_UPLINK, "tls" },
	{ BETA | BETA_PRIME, ZG_KIND_INTERNET, ZG_KIND_LGWAN, "rfb" },
	{ BETA | BETA_PRIME, ZG_KIND_INTERNET, ZG_KIND_LGWAN, "rdp" },
};

static enum zg_model first_of(unsigned models)
{
	unsigned model = 0;
	while ((models >> model & 1) == 0)
		model++;
	return (enum zg_model)model;
}

enum zg_model_says zg_model_says(enum zg_model model, enum zg_kind from, enum zg_kind to, const char *inspector,
				 enum zg_model *ret_other)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (rows[i].from != from || rows[i].to != to || strcmp(rows[i].inspector, inspector) != 0)
			continue;
		if ((rows[i].models >> model & 1) != 0)
			return ZG_MODEL_EXPECTED;
		*ret_other = first_of(rows[i].models);
		return ZG_MODEL_CONTRADICTS;
	}
	return ZG_MODEL_NOTHING;
}
