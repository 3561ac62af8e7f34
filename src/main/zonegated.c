/* SPDX-License-Identifier: GPL-2.0-or-later */
/* zonegated: one program, several roles. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd.h"
#include "gate/gate.h"
#include "inspect/worker.h"
#include "main/options.h"
#include "main/store.h"
#include "main/supervisor.h"
#include "sys/spawn.h"
#include "sys/sysctl.h"

/* The router's own table of the last confirmed policy, so that the machine is not open until the daemon runs. Without a policy,
 * or with one that is no longer read, it stays as it is: who has to repair it must get in. */
static void router_table(struct zg_nft *nft, const char *state_dir)
{
	const struct zg_plan_env env = { .now = time(NULL) };
	struct zg_policy *policy = NULL;
	struct zg_plan *plan = NULL;
	struct zg_diags diags;
	struct zg_version *all = NULL, version;
	char *text = NULL, damaged[ZG_STORE_NAME_MAX];
	size_t n = 0;

	zg_diags_init(&diags);
	enum zg_err err = zg_store_list(state_dir, &all, &n);
	if (err == ZG_OK)
		err = n == 0 ? ZG_ENOENT : zg_store_load(state_dir, all[0].generation, &version, &text, damaged);
	if (err == ZG_OK)
		err = zg_conf_parse_for(ZG_CONF_KNOWN, 0, "the last confirmed policy", text, (size_t)version.bytes, &diags, &policy);
	if (err == ZG_OK)
		err = zg_plan_router(policy, &env, &diags, &plan);
	if (err == ZG_OK)
		err = zg_nft_commit(nft, plan, &diags);
	if (err != ZG_OK && err != ZG_ENOENT)
		fprintf(stderr, "zonegated: the router's own table is not loaded: %s\n",
			diags.n > 0 ? diags.items[0].message : zg_strerror(err));
	zg_plan_free(plan);
	zg_policy_free(policy);
	free(text);
	free(all);
	zg_diags_free(&diags);
}

/* Before the network is up: nothing is forwarded, and the backstop is there whatever comes later. */
static int backstop(const struct zg_options *options)
{
	const char *what = "";
	struct zg_nft *nft = NULL;
	struct zg_diags diags;
	int status = EXIT_FAILURE;

	zg_diags_init(&diags);
	/* both are tried: one holds where the other fails */
	const bool off = zg_forwarding_set(false, &what) == ZG_OK;
	if (!off)
		fprintf(stderr, "zonegated: cannot set %s\n", what);
	if (zg_nft_open(-1, &nft) != ZG_OK || zg_nft_backstop(nft, &diags) != ZG_OK)
		fprintf(stderr, "zonegated: cannot load the backstop: %s\n", diags.n > 0 ? diags.items[0].message : "no netlink");
	else if (off)
		status = EXIT_SUCCESS;
	if (nft != NULL)
		router_table(nft, options->state_dir);
	zg_nft_close(nft);
	zg_diags_free(&diags);
	return status;
}

int main(int argc, char **argv)
{
	struct zg_options options;

	setlocale(LC_CTYPE, "");
	zg_options_parse(argc, argv, &options);
	if (options.role == NULL)
		return options.backstop ? backstop(&options) : zg_supervisor_run(&options);
	if (strcmp(options.role, "gate") == 0)
		return zg_gate_run(ZG_ROLE_FD);
	if (strcmp(options.role, "inspector") == 0)
		return zg_worker_run(&(struct zg_worker_fds){ .chan = ZG_ROLE_FD,
							      .queue = ZG_ROLE_FD + 1,
							      .gate = ZG_ROLE_FD + 2,
							      .memory = ZG_ROLE_FD + 3,
							      .bell = ZG_ROLE_FD + 4 });
	if (strcmp(options.role, "watch") == 0)
		return zg_watch_run(ZG_ROLE_FD, ZG_ROLE_FD + 1);
	fprintf(stderr, "zonegated: no such role: %s\n", options.role);
	return ZG_EXIT_USAGE;
}
