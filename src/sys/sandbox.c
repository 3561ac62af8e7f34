/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/sandbox.h"
#include "sys/spawn.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* Bytes of data segment and heap: the engine's own bound, the flow table and room for the libraries. */
#define PARSER_DATA_MAX (1024ul * 1024 * 1024)
/* Bytes of addresses: shared memory, stacks and page tables are not data, and the machine runs out of them all the same.
 * Above the data there is room for three policies of the largest size and for the libraries. */
#define PARSER_ADDRESSES_MAX (2 * PARSER_DATA_MAX)
/* Descriptors. The gate holds two for each queue. The kernel bounds by the same number what all processes of a user have on
 * the way to each other: the gate's is far above what parsers could put there, so that it can always hand over a queue. */
#define GATE_FDS 1024
#define PARSER_FDS 16

enum zg_err zg_sandbox_drop(const char *user, const char **ret_what)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		*ret_what = "no_new_privs";
		return ZG_ESYS;
	}
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE | CAPNG_BOUNDING_SET,
			  CAP_NET_ADMIN, CAP_NET_RAW, -1) != 0) {
		*ret_what = "capability set";
		return ZG_EPERM;
	}
	if (geteuid() != 0) {
		/* the service manager has chosen the user; the bounding set is its business too */
		if (capng_apply(CAPNG_SELECT_CAPS) != 0) {
			*ret_what = "CAP_NET_ADMIN and CAP_NET_RAW (start as root, or with both as ambient capabilities)";
			return ZG_EPERM;
		}
		return ZG_OK;
	}
	const struct passwd *pw = getpwnam(user);
	if (pw == NULL || pw->pw_uid == 0) {
		*ret_what = "the unprivileged user (see --user; the package makes `zonegate`)";
		return ZG_ENOENT;
	}
	if (capng_change_id((int)pw->pw_uid, (int)pw->pw_gid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING) != 0) {
		*ret_what = "change of user";
		return ZG_EPERM;
	}
	return ZG_OK;
}

enum zg_err zg_sandbox_exec_caps(enum zg_sandbox_role role)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
		return ZG_ESYS;
	if (role == ZG_SANDBOX_GATE) {
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0) != 0 ||
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) != 0)
			return ZG_ESYS;
		return ZG_OK;
	}
	if (syscall(SYS_capset, &header, data) != 0)
		return ZG_ESYS;
	return ZG_OK;
}

static bool has_capability(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_get_caps_process() != 0)
		return true;
	return capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE;
}

static bool limit(int resource, rlim_t value)
{
	struct rlimit rl;
	if (getrlimit((__rlimit_resource_t)resource, &rl) != 0)
		return false;
	rl.rlim_cur = rl.rlim_max = value < rl.rlim_max ? value : rl.rlim_max;
	return setrlimit((__rlimit_resource_t)resource, &rl) == 0;
}

/* The newest layout of the kernel's structure; an older kernel is given the prefix it knows. */
struct ruleset {
	uint64_t handled_access_fs;
	uint64_t handled_access_net; /* ABI 4 */
	uint64_t scoped;	     /* ABI 6 */
};

/* Rights per Landlock ABI, https://docs.kernel.org/userspace-api/landlock.html */
#define FS_ABI1 0x1fffull
#define FS_REFER (1ull << 13)	 /* ABI 2 */
#define FS_TRUNCATE (1ull << 14) /* ABI 3 */
#define FS_IOCTL_DEV (1ull << 15) /* ABI 5 */
#define NET_BIND_CONNECT 0x3ull	 /* ABI 4 */
#define SCOPE_ALL 0x3ull	 /* ABI 6: abstract sockets, signals */

static bool landlock_everything(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		return false;
	struct ruleset rules = { .handled_access_fs = FS_ABI1 };
	size_t size = sizeof rules.handled_access_fs;
	if (abi >= 2)
		rules.handled_access_fs |= FS_REFER;
	if (abi >= 3)
		rules.handled_access_fs |= FS_TRUNCATE;
	if (abi >= 4) {
		rules.handled_access_net = NET_BIND_CONNECT;
		size = offsetof(struct ruleset, scoped);
	}
	if (abi >= 5)
		rules.handled_access_fs |= FS_IOCTL_DEV;
	if (abi >= 6) {
		rules.scoped = SCOPE_ALL;
		size = sizeof rules;
	}
	int fd = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
	if (fd < 0)
		return false;
	bool ok = syscall(SYS_landlock_restrict_self, fd, 0) == 0;
	close(fd);
	return ok;
}

/* What every role does once it runs: wait, allocate, end. Receiving and sending are below, by descriptor. */
static const int calls_common[] = {
	SCMP_SYS(poll),	   SCMP_SYS(ppoll),	     SCMP_SYS(epoll_wait), SCMP_SYS(sched_yield), SCMP_SYS(close), SCMP_SYS(brk),
	SCMP_SYS(munmap),  SCMP_SYS(mremap),	     SCMP_SYS(futex),	 SCMP_SYS(exit),
	SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
	SCMP_SYS(getrandom), SCMP_SYS(getpid),	     SCMP_SYS(gettid),	   SCMP_SYS(restart_syscall),
	SCMP_SYS(getcpu),
};

static const int calls_gate[] = {
	SCMP_SYS(bind),	   SCMP_SYS(setsockopt), SCMP_SYS(getsockname), SCMP_SYS(getsockopt), SCMP_SYS(sendto), SCMP_SYS(socketpair),
	SCMP_SYS(recvmsg), SCMP_SYS(recvfrom),	 SCMP_SYS(sendmsg),	SCMP_SYS(epoll_ctl),
	/* the ring that an inspector shows its verdicts in */
	SCMP_SYS(memfd_create), SCMP_SYS(ftruncate), SCMP_SYS(eventfd2),
};

/* A parser's descriptors have fixed numbers, and it has no call that could move one: what it may do with each is written
 * here. Above all it cannot write to standard error, where the daemon's records may go. */
static const struct {
	int call;
	int fd;
} calls_parser[] = {
	{ SCMP_SYS(recvmsg), ZG_ROLE_FD },	/* the supervisor */
	{ SCMP_SYS(sendmsg), ZG_ROLE_FD },
	{ SCMP_SYS(recvmmsg), ZG_ROLE_FD + 1 }, /* inspector: the queue */
	{ SCMP_SYS(recvfrom), ZG_ROLE_FD + 1 }, /* watch: the log */
	{ SCMP_SYS(sendmsg), ZG_ROLE_FD + 2 },	/* inspector: the gate */
	{ SCMP_SYS(write), ZG_ROLE_FD + 4 },	/* inspector: the bell, an eventfd */
};

/* What the sanitizers' runtime does besides; only in a sanitised build. */
static const int calls_sanitizer[] = {
	SCMP_SYS(sigaltstack), SCMP_SYS(openat), SCMP_SYS(readlink), SCMP_SYS(rt_sigaction),
	SCMP_SYS(mprotect),    SCMP_SYS(getrlimit), SCMP_SYS(prlimit64), SCMP_SYS(pread64), SCMP_SYS(ioctl), SCMP_SYS(read),
	SCMP_SYS(write),       SCMP_SYS(newfstatat), SCMP_SYS(fstat), SCMP_SYS(lseek), SCMP_SYS(madvise),
};

static int allow(scmp_filter_ctx ctx, const int *calls, size_t n)
{
	int rc = 0;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
	return rc;
}

#define ALLOW(ctx, list) allow(ctx, list, sizeof(list) / sizeof((list)[0]))

static int allow_gate(scmp_filter_ctx ctx)
{
	int rc = ALLOW(ctx, calls_gate);
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, SCMP_A0(SCMP_CMP_EQ, AF_NETLINK, 0),
				      SCMP_A2(SCMP_CMP_EQ, NETLINK_NETFILTER, 0));
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, SCMP_A0(SCMP_CMP_EQ, STDERR_FILENO, 0));
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, F_ADD_SEALS, 0));
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
				      SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_SHARED, MAP_SHARED));
	return rc;
}

static int allow_parser(scmp_filter_ctx ctx)
{
	int rc = 0;
	for (size_t i = 0; i < sizeof calls_parser / sizeof calls_parser[0] && rc == 0; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls_parser[i].call, 1,
				      SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)calls_parser[i].fd, 0));
	return rc;
}

static bool seccomp_allow_list(enum zg_sandbox_role role)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (ctx == NULL)
		return false;
	/* as a tree, not a list: the busiest calls are looked up for every batch of packets */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	int rc = ALLOW(ctx, calls_common);
	/* memory that is never executable; files to be read only */
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
				      SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS));
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, 0));
	/* only to look at the seals of a policy */
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, F_GET_SEALS, 0));
	/* only to ask for its size: where the log goes on is the same place for all who have inherited it */
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(lseek), 2, SCMP_A1(SCMP_CMP_EQ, 0, 0),
				      SCMP_A2(SCMP_CMP_EQ, SEEK_END, 0));
	/* only to give memory back: of shared memory, other advice would take it from the others too */
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(madvise), 1, SCMP_A2(SCMP_CMP_EQ, MADV_DONTNEED, 0));
	/* abort() signals itself; the others have the same user and could be signalled by it */
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
	/* of itself only */
	if (rc == 0)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sched_setaffinity), 1, SCMP_A0(SCMP_CMP_EQ, 0, 0));
	if (rc == 0)
		rc = role == ZG_SANDBOX_GATE ? allow_gate(ctx) : allow_parser(ctx);
	if (rc == 0 && SANITIZED)
		rc = ALLOW(ctx, calls_sanitizer);
	if (rc == 0 && SANITIZED)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (rc == 0)
		rc = seccomp_load(ctx);
	seccomp_release(ctx);
	return rc == 0;
}

enum zg_err zg_sandbox_enter(enum zg_sandbox_role role, const char **ret_what)
{
	/* without the supervisor nobody lives on: not one that is stopped, not one that does not want to */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) {
		*ret_what = "no_new_privs, dumpable and the parent's death";
		return ZG_ESYS;
	}
	if (role == ZG_SANDBOX_PARSER && has_capability()) {
		*ret_what = "running without capabilities";
		return ZG_EPERM;
	}
	if (!limit(RLIMIT_CORE, 0) || !limit(RLIMIT_NOFILE, role == ZG_SANDBOX_GATE ? GATE_FDS : PARSER_FDS) || !limit(RLIMIT_NPROC, 0) ||
	    (!SANITIZED && role == ZG_SANDBOX_PARSER &&
	     (!limit(RLIMIT_DATA, PARSER_DATA_MAX) || !limit(RLIMIT_AS, PARSER_ADDRESSES_MAX)))) {
		*ret_what = "resource limits";
		return ZG_ESYS;
	}
	if (!landlock_everything()) {
		*ret_what = "Landlock (kernel 5.13 or later with landlock among its security modules)";
		return ZG_ENOTSUP;
	}
	if (!seccomp_allow_list(role)) {
		*ret_what = "seccomp filter";
		return ZG_ENOTSUP;
	}
	return ZG_OK;
}
