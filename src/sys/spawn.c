/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int self = -1;

enum zg_err zg_spawn_init(void)
{
	self = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	return self < 0 ? ZG_ESYS : ZG_OK;
}

static void child_fail(const char *what)
{
	fprintf(stderr, "zonegated: starting a role: %s: %s\n", what, strerror(errno));
	_exit(127);
}

#define ROLE_FDS_MAX 5

static _Noreturn void child(const char *role, enum zg_sandbox_role power, const int *fds, size_t n_fds)
{
	char arg[64];
	char *argv[] = { (char[]){ "zonegated" }, arg, NULL };
	char *envp[] = { (char[]){ "PATH=/usr/sbin:/usr/bin" }, (char[]){ "ASAN_OPTIONS=detect_leaks=0" }, NULL };
	int moved[ROLE_FDS_MAX];
	sigset_t none;

	/* first out of the way of 3, 4, 5, then into place, so that no copy overwrites another's source */
	for (size_t i = 0; i < n_fds; i++)
		if ((moved[i] = fcntl(fds[i], F_DUPFD, 16)) < 0)
			child_fail("fcntl");
	int exe = fcntl(self, F_DUPFD_CLOEXEC, 32);
	int null = open("/dev/null", O_RDWR);
	if (exe < 0 || null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		child_fail("descriptors");
	for (size_t i = 0; i < n_fds; i++)
		if (dup2(moved[i], ZG_ROLE_FD + (int)i) < 0)
			child_fail("dup2");
	if (close_range((unsigned)(ZG_ROLE_FD + (int)n_fds), (unsigned)exe - 1, 0) != 0 ||
	    close_range((unsigned)exe + 1, ~0u, 0) != 0)
		child_fail("close_range");
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* the terminal's, meant for the daemon as a whole: the supervisor ends the roles in their order */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (zg_sandbox_exec_caps(power) != ZG_OK)
		child_fail("capabilities");
	snprintf(arg, sizeof arg, "--role=%s", role);
	fexecve(exe, argv, envp);
	child_fail("exec");
	_exit(127);
}

enum zg_err zg_spawn(const char *role, enum zg_sandbox_role power, const int *fds, size_t n_fds, pid_t *ret_pid)
{
	if (n_fds > ROLE_FDS_MAX)
		return ZG_EINVAL;
	pid_t pid = fork();
	if (pid < 0)
		return ZG_ESYS;
	if (pid == 0)
		child(role, power, fds, n_fds);
	*ret_pid = pid;
	return ZG_OK;
}
