/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a policy of many flows costs, step by step, in a network namespace of its own: text, plan, kernel; then one flow of
 * them changed. Root.
 *
 *   policy FILE OTHER    both are configurations that differ in one flow
 *
 * One line per step on standard output: name, milliseconds. At last the most memory that the process had: "peak", KiB.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "nft/nft.h"
#include "plan/plan.h"
#include "zonegate/mark.h"
#include "zonegate/rtab.h"

static struct zg_diags diags;
static double begun;

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void begin(void)
{
	begun = now_ms();
}

static void step(const char *name, enum zg_err err)
{
	const double ms = now_ms() - begun;
	if (err != ZG_OK) {
		char *text = zg_diags_text(&diags, false);
		fprintf(stderr, "%s: %s\n%s", name, zg_strerror(err), text);
		exit(EXIT_FAILURE);
	}
	printf("%s %.2f\n", name, ms);
	begin();
}

int main(int argc, char **argv)
{
	struct zg_policy *policy = NULL, *other = NULL;
	struct zg_plan *plan = NULL, *next = NULL;
	struct zg_nft *nft = NULL;
	struct zg_plan_env env = { .hash_seed = 1, .now = time(NULL) };
	struct rusage usage;
	struct zg_rtab *rtab;
	uint32_t next_mark = 1;
	int fd;

	if (argc != 3 || unshare(CLONE_NEWNET) != 0 || zg_nft_open(-1, &nft) != ZG_OK || zg_nft_probe(nft, &env.queue) != ZG_OK) {
		fprintf(stderr, "usage: policy FILE OTHER, as root\n");
		return EXIT_FAILURE;
	}
	zg_diags_init(&diags);
	begin();
	step("check", zg_conf_load(argv[1], &diags, &policy));
	policy->generation = 1;
	step("marks", zg_marks_give(policy, NULL, &next_mark));
	step("compile", zg_plan_compile(policy, &env, &diags, &plan));
	step("rtab", zg_rtab_make(policy, &fd));
	step("map", zg_rtab_map(fd, &rtab));
	step("dry-run", zg_nft_dry_run(nft, plan, &diags));
	step("commit", zg_nft_commit(nft, plan, &diags));
	step("verify", zg_nft_verify(nft, plan, &diags));
	step("check-other", zg_conf_load(argv[2], &diags, &other));
	other->generation = 2;
	step("marks-other", zg_marks_give(other, policy, &next_mark));
	step("compile-other", zg_plan_compile(other, &env, &diags, &next));
	step("dry-step", zg_nft_dry_step(nft, plan, next, &diags));
	step("step", zg_nft_step(nft, plan, next, &diags));
	getrusage(RUSAGE_SELF, &usage);
	printf("peak %ld\n", usage.ru_maxrss);
	return EXIT_SUCCESS;
}
