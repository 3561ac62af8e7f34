/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each test enters the sandbox in a child of its own and tries what a taken-over parser would try. Run as root, so that
 * it is the sandbox that refuses and not an unprivileged user. */
#include "sys/place.h"
#include "sys/sandbox.h"
#include "sys/spawn.h"
#include "unit.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum outcome { SURVIVED = 0, NO_SANDBOX = 1, REFUSED = 2, KILLED };

static int no_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };
	return (int)syscall(SYS_capset, &header, data);
}

static int rewind_the_log(void);
static int append_to_the_log(void);

static enum outcome in_sandbox(enum zg_sandbox_role role, int (*attempt)(void))
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		const char *what = "";
		FILE *log = attempt == rewind_the_log || attempt == append_to_the_log ? tmpfile() : NULL;
		if (log != NULL && dup2(fileno(log), STDERR_FILENO) < 0)
			_exit(NO_SANDBOX);
		if (role == ZG_SANDBOX_PARSER && no_capabilities() != 0)
			_exit(NO_SANDBOX);
		if (zg_sandbox_enter(role, &what) != ZG_OK) {
			fprintf(stderr, "sandbox: %s\n", what);
			_exit(NO_SANDBOX);
		}
		_exit(attempt() < 0 ? REFUSED : SURVIVED);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		ck_assert_int_eq(WTERMSIG(status), SIGSYS);
		return KILLED;
	}
	return (enum outcome)WEXITSTATUS(status);
}

static int nothing(void)
{
	void *p = malloc(1 << 20);
	free(p);
	return p == NULL ? -1 : 0;
}
static int open_file(void)
{
	return open("/etc/passwd", O_RDONLY);
}
static int open_inet(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}
static int open_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 12);
}
static int run(void)
{
	return execl("/bin/true", "true", (char *)NULL);
}
static int start_process(void)
{
	return (int)fork();
}
static int executable_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}
static int signal_parent(void)
{
	return kill(getppid(), 0);
}
static int trace(void)
{
	return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}
static int become_root(void)
{
	return setuid(0);
}

/* The daemon's processes have one user: what could signal one of them could stop the gate or the supervisor. */
static int signal_thread_of_parent(void)
{
	return (int)syscall(SYS_tgkill, getppid(), getppid(), 0);
}
/* Whoever keeps the gate on a busy processor slows all down. */
static int move_parent(void)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	return sched_setaffinity(getppid(), sizeof set, &set);
}
static int move_itself(void)
{
	struct zg_place place;
	memset(&place.allowed, 0xff, sizeof place.allowed);
	place.known = true;
	place.at = ZG_PLACE_ANY;
	const int here = zg_place_here();
	zg_place_go(&place, here);
	const int pinned = zg_place_here();
	zg_place_go(&place, ZG_PLACE_ANY);
	return pinned == here || zg_place_used_ns() == 0 ? 0 : -1;
}
static int forge_record(void)
{
	return (int)write(STDERR_FILENO, "", 0);
}
static int send_elsewhere(void)
{
	const struct msghdr msg = { 0 };
	return (int)sendmsg(STDERR_FILENO, &msg, MSG_DONTWAIT);
}
static int receive_elsewhere(void)
{
	struct msghdr msg = { 0 };
	return (int)recvmsg(ZG_ROLE_FD + 2, &msg, MSG_DONTWAIT);
}
static int look_at_path(void)
{
	struct stat st;
	return stat("/etc/passwd", &st);
}
static int write_to_mapped_file(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, STDERR_FILENO, 0) == MAP_FAILED ? -1 : 0;
}
/* The end of the log is where the supervisor writes next: the place is common to all who have inherited it. */
static int rewind_the_log(void)
{
	return lseek(STDERR_FILENO, 0, SEEK_SET) < 0 ? -1 : 0;
}
static int append_to_the_log(void)
{
	return lseek(STDERR_FILENO, 1, SEEK_END) < 0 ? -1 : 0;
}
/* Of the ring, under the gate that reads it; the kernel gives the memory back. */
static int take_pages_away(void)
{
	void *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return madvise(pages, 8192, MADV_REMOVE);
}
/* More than the bound, as the kinds of memory that RLIMIT_DATA does not count. */
static int too_much(int flags, int prot)
{
	for (int i = 0; i < 64; i++)
		if (mmap(NULL, 256u << 20, prot, flags | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED)
			return -1;
	return 0;
}
static int too_much_private(void)
{
	return too_much(MAP_PRIVATE, PROT_READ | PROT_WRITE);
}
static int too_much_shared(void)
{
	return too_much(MAP_SHARED, PROT_READ | PROT_WRITE);
}
static int too_much_stack(void)
{
	return too_much(MAP_PRIVATE | MAP_GROWSDOWN, PROT_READ | PROT_WRITE);
}
static int too_many_tables(void)
{
	return too_much(MAP_PRIVATE, PROT_READ);
}
static int other_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

static int (*const forbidden_to_parsers[])(void) = {
	open_file, open_inet, open_netlink, run, start_process, executable_memory, signal_parent, trace, become_root,
	signal_thread_of_parent, receive_elsewhere, send_elsewhere, forge_record, look_at_path, write_to_mapped_file,
	rewind_the_log, append_to_the_log, take_pages_away, too_much_private, too_much_shared, too_much_stack, too_many_tables,
	move_parent,
};
static int (*const forbidden_to_the_gate[])(void) = {
	open_file, open_inet, run, start_process, executable_memory, signal_parent, trace, become_root,
	signal_thread_of_parent, other_netlink, look_at_path, write_to_mapped_file, move_parent,
};

START_TEST(a_parser_can_work)
{
	ck_assert_int_eq(in_sandbox(ZG_SANDBOX_PARSER, nothing), SURVIVED);
}
END_TEST

/* abort() is how a parser ends that has found its memory broken. */
static int abort_itself(void)
{
	return (int)syscall(SYS_tgkill, getpid(), getpid(), 0);
}

START_TEST(a_parser_can_abort)
{
	ck_assert_int_eq(in_sandbox(ZG_SANDBOX_PARSER, abort_itself), SURVIVED);
}
END_TEST

START_TEST(both_can_choose_their_processor)
{
	ck_assert_int_eq(in_sandbox(ZG_SANDBOX_PARSER, move_itself), SURVIVED);
	ck_assert_int_eq(in_sandbox(ZG_SANDBOX_GATE, move_itself), SURVIVED);
}
END_TEST

/* The sanitizers' reports need these. */
static bool left_to_sanitizers(int (*attempt)(void))
{
	return SANITIZED && (attempt == forge_record || attempt == look_at_path || attempt == write_to_mapped_file ||
			     attempt == rewind_the_log || attempt == append_to_the_log || attempt == take_pages_away ||
			     attempt == too_much_private || attempt == too_much_shared || attempt == too_much_stack ||
			     attempt == too_many_tables);
}

START_TEST(a_parser_can_do_nothing_else)
{
	if (left_to_sanitizers(forbidden_to_parsers[_i]))
		return;
	enum outcome o = in_sandbox(ZG_SANDBOX_PARSER, forbidden_to_parsers[_i]);
	ck_assert_msg(o == KILLED || o == REFUSED, "attempt %d: %d", _i, o);
}
END_TEST

START_TEST(the_gate_can_bind_queues)
{
	ck_assert_int_eq(in_sandbox(ZG_SANDBOX_GATE, open_netlink), SURVIVED);
}
END_TEST

START_TEST(the_gate_can_do_nothing_else)
{
	if (left_to_sanitizers(forbidden_to_the_gate[_i]))
		return;
	enum outcome o = in_sandbox(ZG_SANDBOX_GATE, forbidden_to_the_gate[_i]);
	ck_assert_msg(o == KILLED || o == REFUSED, "attempt %d: %d", _i, o);
}
END_TEST

/* Somebody started a parser with power: it must not go on. */
START_TEST(a_parser_with_capabilities_fails)
{
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		const char *what = "";
		_exit(zg_sandbox_enter(ZG_SANDBOX_PARSER, &what) == ZG_EPERM ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sandbox");
	TCase *t = tcase_create("sandbox");
	if (geteuid() != 0) {
		puts("1..1\nok 1 - sandbox # SKIP needs root");
		return EXIT_SUCCESS;
	}
	tcase_add_test(t, a_parser_can_work);
	tcase_add_test(t, a_parser_can_abort);
	tcase_add_loop_test(t, a_parser_can_do_nothing_else, 0, sizeof forbidden_to_parsers / sizeof forbidden_to_parsers[0]);
	tcase_add_test(t, both_can_choose_their_processor);
	tcase_add_test(t, the_gate_can_bind_queues);
	tcase_add_loop_test(t, the_gate_can_do_nothing_else, 0, sizeof forbidden_to_the_gate / sizeof forbidden_to_the_gate[0]);
	tcase_add_test(t, a_parser_with_capabilities_fails);
	suite_add_tcase(s, t);
	return unit_main(s);
}
