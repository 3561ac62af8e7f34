/* SPDX-License-Identifier: GPL-2.0-or-later */
/* zonegatectl check: all that is wrong with a configuration, without root and without a daemon. */
#include <argp.h>
#include <cap-ng.h>
#include <time.h>

#include "ctl/cmd.h"
#include "ctl/conf_arg.h"
#include "nft/nft.h"
#include "sys/link.h"

struct arguments {
	const char *file;
	bool json, kernel;
};

enum { OPT_KERNEL = 0x100 };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;
	switch (key) {
	case 'j':
		a->json = true;
		return 0;
	case OPT_KERNEL:
		a->kernel = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			argp_usage(state);
		a->file = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Compiles and lets the kernel validate, without committing. */
static enum zg_err dry_run(const struct zg_policy *policy, struct zg_diags *diags)
{
	struct zg_plan_env env = { .now = time(NULL) };
	struct zg_nft *nft = NULL;
	struct zg_plan *plan = NULL;
	enum zg_err err = zg_nft_open(-1, &nft);
	if (err == ZG_OK)
		err = zg_nft_probe(nft, &env.queue);
	if (err == ZG_OK)
		err = zg_plan_compile(policy, &env, diags, &plan);
	if (err == ZG_OK)
		err = zg_nft_dry_run(nft, plan, diags);
	zg_plan_free(plan);
	zg_nft_close(nft);
	return err;
}

/* What can be seen of the interfaces, if this is the machine. */
static void look_at_interfaces(const struct zg_policy *policy, struct zg_diags *diags)
{
	for (size_t z = 0; z < policy->n_zones; z++) {
		const struct zg_zone *zone = &policy->zones[z];
		for (size_t i = 0; i < zone->n_ifaces && zone->kind == ZG_KIND_MYNUMBER; i++)
			if (zg_link_wireless(zone->ifaces[i]))
				zg_diag_add(diags, ZG_DIAG_WARNING, zone->line, 0,
					    "a My Number zone uses no wireless LAN: apply will refuse it",
					    "interface %s of zone \"%s\" is a radio on this machine", zone->ifaces[i], zone->name);
	}
}

static int check_kernel(const struct zg_policy *policy, struct zg_diags *diags)
{
	enum zg_err err = dry_run(policy, diags);
	if (err == ZG_OK)
		return ZG_EXIT_OK;
	if (diags->errors > 0)
		return ZG_EXIT_CONFIG;
	/* whichever system call it was that failed without it */
	capng_get_caps_process();
	if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN))
		err = ZG_EPERM;
	zg_diag_add(diags, ZG_DIAG_ERROR, 0, 0,
		    err == ZG_EPERM ? "run it as root (CAP_NET_ADMIN), or leave out --kernel" : NULL,
		    "the dry run in the kernel failed: %s", zg_strerror(err));
	return ZG_EXIT_FAILED;
}

int zg_cmd_check(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "json", 'j', NULL, 0, "Print one JSON object to standard output", 0 },
		{ "kernel", OPT_KERNEL, NULL, 0, "Also let the kernel validate the rules, without committing them", 0 },
		{ 0 },
	};
	static const struct argp argp = {
		options,
		parse,
		"[FILE]",
		"Look for mistakes in a configuration (" ZG_CONF_FILE "; - is standard input). Nothing is changed.",
		NULL,
		NULL,
		NULL
	};
	struct arguments a = { .file = ZG_CONF_FILE };
	struct zg_diags diags;
	struct zg_policy *policy = NULL;
	argp_err_exit_status = ZG_EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &a);

	int status = zg_ctl_load(ZG_CONF_CHANGE, a.file, a.json, &diags, &policy);
	if (status == ZG_EXIT_OK) {
		look_at_interfaces(policy, &diags);
		if (a.kernel)
			status = check_kernel(policy, &diags);
		if (a.json) {
			zg_ctl_print_json(a.file, &diags, status == ZG_EXIT_OK ? policy : NULL);
		} else {
			zg_ctl_print_diags(&diags);
			if (status == ZG_EXIT_OK) {
				zg_term_safe(stdout, a.file);
				printf(": ok (%zu %s, %zu %s%s)\n", policy->n_zones,
				       policy->n_zones == 1 ? "zone" : "zones", policy->n_flows,
				       policy->n_flows == 1 ? "flow" : "flows",
				       a.kernel ? "; the kernel accepts it" : "");
			}
		}
	}
	zg_policy_free(policy);
	zg_diags_free(&diags);
	return status;
}
