/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/lockout.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANCESTORS_MAX 32	      /* a shell in a terminal in a shell ... */
#define ENVIRON_MAX   (128 * 1024) /* bytes of one process's settings that are looked at */
#define CLOSED_HINT "add router = { ... }; see zonegate.conf(5)"

static bool parse_port(const char *text, uint16_t *ret_port)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || port == 0 || port > 65535)
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

/* "fe80::5%eth0"; an IPv4 address that came over an IPv6 socket is "::ffff:192.0.2.1". */
static bool parse_address(char *text, struct zg_addr *ret_addr, char iface[static 16])
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	char *percent = strchr(text, '%');
	if (percent != NULL) {
		*percent = '\0';
		snprintf(iface, 16, "%s", percent + 1);
	}
	if (zg_addr_parse(text, ret_addr) != ZG_OK)
		return false;
	if (ret_addr->family == ZG_IPV6 && memcmp(ret_addr->b, mapped, sizeof mapped) == 0) {
		struct zg_addr v4 = { .family = ZG_IPV4 };
		memcpy(v4.b, ret_addr->b + 12, 4);
		*ret_addr = v4;
	}
	return true;
}

bool zg_session_parse(const char *connection, const char *client, struct zg_session *ret_session)
{
	struct zg_session s = { 0 };
	char words[4][64];
	char *peer = words[0], ignored[16];
	if (connection != NULL && sscanf(connection, "%63s %63s %63s %63s", words[0], words[1], words[2], words[3]) == 4) {
		if (!parse_address(words[2], &s.local, ignored) || !parse_port(words[3], &s.local_port))
			return false;
	} else if (client == NULL || sscanf(client, "%63s %63s %63s", words[0], words[1], words[2]) != 3 ||
		   !parse_port(words[2], &s.local_port)) {
		return false;
	}
	if (!parse_address(peer, &s.peer, s.iface) || !parse_port(words[1], &s.peer_port))
		return false;
	*ret_session = s;
	return true;
}

/* The interface that has this address of ours. */
static void iface_of(const struct zg_addr *addr, char iface[static 16])
{
	struct ifaddrs *all;
	if (getifaddrs(&all) != 0)
		return;
	for (const struct ifaddrs *a = all; a != NULL; a = a->ifa_next) {
		const void *bytes = NULL;
		if (a->ifa_addr == NULL)
			continue;
		if (a->ifa_addr->sa_family == AF_INET && addr->family == ZG_IPV4)
			bytes = &((const struct sockaddr_in *)(const void *)a->ifa_addr)->sin_addr;
		else if (a->ifa_addr->sa_family == AF_INET6 && addr->family == ZG_IPV6)
			bytes = &((const struct sockaddr_in6 *)(const void *)a->ifa_addr)->sin6_addr;
		if (bytes != NULL && memcmp(bytes, addr->b, zg_addr_len(addr->family)) == 0)
			snprintf(iface, 16, "%s", a->ifa_name);
	}
	freeifaddrs(all);
}

/* Of our addresses the one that we would use towards addr: a connected UDP socket sends nothing. */
static bool source_towards(const struct zg_addr *addr, struct zg_addr *ret_source)
{
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	const bool v4 = addr->family == ZG_IPV4;
	struct sockaddr *name = v4 ? (struct sockaddr *)&sin : (struct sockaddr *)&sin6;
	socklen_t len = v4 ? sizeof sin : sizeof sin6;
	int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	memcpy(v4 ? (void *)&sin.sin_addr : (void *)&sin6.sin6_addr, addr->b, zg_addr_len(addr->family));
	bool ok = fd >= 0 && connect(fd, name, len) == 0 && getsockname(fd, name, &len) == 0;
	if (ok) {
		*ret_source = (struct zg_addr){ .family = addr->family };
		memcpy(ret_source->b, v4 ? (const void *)&sin.sin_addr : (const void *)&sin6.sin6_addr, zg_addr_len(addr->family));
	}
	if (fd >= 0)
		close(fd);
	return ok;
}

/* The value of NAME= among len bytes of NUL-terminated settings; NULL = it is not there. */
static const char *setting_of(const char *environ_, size_t len, const char *name)
{
	const size_t n = strlen(name);
	for (size_t at = 0; at < len; at += strlen(environ_ + at) + 1)
		if (strncmp(environ_ + at, name, n) == 0 && environ_[at + n] == '=')
			return environ_ + at + n + 1;
	return NULL;
}

/* The beginning of a file of /proc, with a NUL behind; 0 = not readable. */
static size_t read_proc(pid_t pid, const char *file, char *buf, size_t size)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
	FILE *f = fopen(path, "re");
	size_t n = f != NULL ? fread(buf, 1, size - 1, f) : 0;
	buf[n] = '\0';
	if (f != NULL)
		fclose(f);
	return n;
}

static pid_t parent_of(pid_t pid)
{
	char stat[512];
	const char *behind = read_proc(pid, "stat", stat, sizeof stat) > 0 ? strrchr(stat, ')') : NULL;
	/* ") S 1234": the state is one letter */
	return behind != NULL && strlen(behind) > 4 ? (pid_t)strtol(behind + 4, NULL, 10) : 0;
}

/* sudo and su take the settings away: then those of the shell that they were called from count. */
static bool session_of_ancestors(struct zg_session *ret_session)
{
	static char environ_[ENVIRON_MAX];
	pid_t pid = getppid();
	for (int i = 0; i < ANCESTORS_MAX && pid > 1; i++, pid = parent_of(pid)) {
		const size_t len = read_proc(pid, "environ", environ_, sizeof environ_);
		const char *connection = setting_of(environ_, len, "SSH_CONNECTION");
		if (connection != NULL)
			return zg_session_parse(connection, setting_of(environ_, len, "SSH_CLIENT"), ret_session);
	}
	return false;
}

bool zg_session_here(struct zg_session *ret_session)
{
	struct zg_session s;
	struct zg_addr source;
	char own[16] = "";
	const char *connection = getenv("SSH_CONNECTION"), *client = getenv("SSH_CLIENT");
	if (connection == NULL && client == NULL ? !session_of_ancestors(&s) : !zg_session_parse(connection, client, &s))
		return false;
	iface_of(&s.peer, own);
	if (own[0] != '\0')
		snprintf(s.iface, sizeof s.iface, "lo"); /* from this machine to itself */
	if (s.iface[0] == '\0' && source_towards(&s.peer, &source))
		iface_of(&source, s.iface);
	*ret_session = s;
	return true;
}

/* The zone of the session's interface, else of its peer's address. */
static const struct zg_zone *zone_of(const struct zg_policy *policy, const struct zg_session *s)
{
	const struct zg_zone *zone = s->iface[0] != '\0' ? zg_policy_zone_of_iface(policy, s->iface) : NULL;
	return zone != NULL ? zone : zg_policy_zone_of(policy, &s->peer);
}

static void warn_cut(const struct zg_policy *policy, const struct zg_session *s, struct zg_diags *diags)
{
	char hint[256], peer[ZG_ADDRSTR_MAX], text[ZG_ADDRSTR_MAX];
	const struct zg_zone *home = zg_policy_zone_of(policy, &s->peer), *zone = zone_of(policy, s);
	zg_addr_str(&s->peer, text);
	if (zone == NULL || (s->iface[0] != '\0' && zg_policy_zone_of_iface(policy, s->iface) == NULL))
		snprintf(hint, sizeof hint, "interface %s is in no zone: the session has to come in by one",
			 s->iface[0] != '\0' ? s->iface : "(unknown)");
	else if (home != zone)
		snprintf(hint, sizeof hint, "%s does not belong to zone \"%s\", in which interface %s is", text, zone->name, s->iface);
	else
		snprintf(hint, sizeof hint, "%s { from = \"%s\"; source = \"%s\"; port = %u; }",
			 policy->has_router ? "add to manage in router:" : "add router = { manage = (", zone->name, text,
			 (unsigned)s->local_port);
	if (home == zone && zone != NULL && !policy->has_router)
		strncat(hint, " ); };", sizeof hint - strlen(hint) - 1);
	zg_diag_add(diags, ZG_DIAG_WARNING, 0, 0, hint, "your SSH session from %s to port %u would be cut",
		    zg_endpoint_str(&s->peer, s->peer_port, peer), (unsigned)s->local_port);
}

bool zg_lockout_check(const struct zg_policy *policy, const struct zg_session *session, struct zg_diags *diags)
{
	bool open = session == NULL;
	if (session != NULL) {
		const char *iface = session->iface[0] != '\0' ? session->iface : NULL;
		const struct zg_zone *home = zg_policy_zone_of(policy, &session->peer);
		/* over the loopback nothing is judged */
		open = (iface != NULL && strcmp(iface, "lo") == 0) ||
		       (home != NULL && (iface == NULL || zg_policy_zone_of_iface(policy, iface) == home) &&
			zg_policy_router_rule(policy, false, iface, &session->peer, IPPROTO_TCP, session->local_port) != NULL);
		if (!open)
			warn_cut(policy, session, diags);
	}
	if (!policy->has_router)
		zg_diag_add(diags, ZG_DIAG_WARNING, 0, 0, CLOSED_HINT,
			    "there is no group router: the router itself can neither be managed over the network nor use any service");
	return open;
}
