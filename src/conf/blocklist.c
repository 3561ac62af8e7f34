/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of refused addresses: the text, and what of it may be put in force. */
#include "zonegate/blocklist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "zonegate/limits.h"

void zg_blocklist_free(struct zg_blocklist *list)
{
	free(list->entries);
	*list = (struct zg_blocklist){ 0 };
}

/* Doubles at powers of two. */
static enum zg_err add(struct zg_blocklist *list, const struct zg_range *range, uint32_t line)
{
	if ((list->n & (list->n - 1)) == 0) {
		struct zg_block_entry *more = reallocarray(list->entries, list->n == 0 ? 1 : list->n * 2, sizeof *more);
		if (more == NULL)
			return ZG_ENOMEM;
		list->entries = more;
	}
	list->entries[list->n++] = (struct zg_block_entry){ *range, line };
	return ZG_OK;
}

/* --- the text ------------------------------------------------------------------------------------ */

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* One line without its end. NULL: good; else what is wrong with it. */
static const char *take_line(struct zg_blocklist *list, const char *p, size_t len, uint32_t line)
{
	char word[ZG_BLOCKLIST_LINE_MAX + 1];
	struct zg_range range;

	if (len > ZG_BLOCKLIST_LINE_MAX)
		return "the line is longer than 255 bytes";
	if (memchr(p, '\0', len) != NULL)
		return "the line holds a NUL: this is not a text";
	size_t end = 0;
	while (end < len && p[end] != '#' && p[end] != ';')
		end++;
	while (end > 0 && blank(p[end - 1]))
		end--;
	while (end > 0 && blank(*p))
		p++, end--;
	if (end == 0)
		return NULL;
	memcpy(word, p, end);
	word[end] = '\0';
	if (zg_range_parse(word, &range) != ZG_OK)
		return "neither an address nor a prefix (with zeros behind its length) nor a range";
	if (list->n == ZG_BLOCKLIST_ENTRIES_MAX)
		return "more than 200000 entries";
	return add(list, &range, line) == ZG_OK ? NULL : "out of memory";
}

enum zg_err zg_blocklist_parse(const char *text, size_t len, struct zg_blocklist *ret_list, struct zg_blocklist_fault *ret_fault)
{
	struct zg_blocklist list = { 0 };
	struct zg_blocklist_fault fault = { 0, NULL };
	const char *p = text, *end = text + len;

	/* what a download leaves that came to nothing, or stopped in the middle */
	if (len == 0)
		fault.what = "the file is empty; a list without entries holds a comment";
	while (p < end && fault.what == NULL) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		fault.line++;
		fault.what = newline == NULL ? "the last line has no end: the file was cut short"
					     : take_line(&list, p, (size_t)(newline - p), fault.line);
		p = newline != NULL ? newline + 1 : end;
	}
	if (fault.what != NULL) {
		zg_blocklist_free(&list);
		*ret_fault = fault;
		return ZG_EINVAL;
	}
	*ret_list = list;
	return ZG_OK;
}

static enum zg_err fault_of(struct zg_blocklist_fault *ret_fault, const char *what)
{
	*ret_fault = (struct zg_blocklist_fault){ 0, what };
	return ZG_EINVAL;
}

/* Opens a regular file of the directory and looks at it; -1 with the reason in *ret_what. */
static int open_list(const char *dir, const char *file, struct stat *ret_stat, const char **ret_what)
{
	int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* a FIFO must not make us wait */
	int fd = at >= 0 ? openat(at, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
	const int error = errno;

	if (at >= 0)
		close(at);
	*ret_what = error == ENOENT   ? "there is no such file in the directory of the lists"
		    : error == EACCES ? "the daemon's user may not read it"
		    : error == ELOOP  ? "it is a symbolic link"
				      : "it cannot be opened";
	if (fd < 0)
		return -1;
	if (fstat(fd, ret_stat) == 0 && S_ISREG(ret_stat->st_mode))
		return fd;
	*ret_what = "it is not a regular file";
	close(fd);
	return -1;
}

enum zg_err zg_blocklist_read(const char *dir, const char *file, struct zg_blocklist *ret_list, struct stat *ret_stat,
			      struct zg_blocklist_fault *ret_fault)
{
	const char *what;
	char *text = NULL;
	size_t len = 0;
	ssize_t n = -1;
	struct stat st;
	int fd = open_list(dir, file, &st, &what);
	enum zg_err err = ZG_OK;

	if (fd < 0)
		return fault_of(ret_fault, what);
	*ret_stat = st; /* whatever comes of it: a file that is broken is looked at again when it has changed */
	if (st.st_size > (off_t)ZG_BLOCKLIST_BYTES_MAX)
		err = fault_of(ret_fault, "it is larger than 16 MiB");
	else if ((text = malloc((size_t)st.st_size + 1)) == NULL)
		err = fault_of(ret_fault, "out of memory");
	while (err == ZG_OK && len <= (size_t)st.st_size && (n = read(fd, text + len, (size_t)st.st_size + 1 - len)) > 0)
		len += (size_t)n;
	if (err == ZG_OK && n < 0)
		err = fault_of(ret_fault, "it cannot be read");
	else if (err == ZG_OK && len != (size_t)st.st_size)
		err = fault_of(ret_fault, "it changed while it was read");
	if (err == ZG_OK)
		err = zg_blocklist_parse(text, len, ret_list, ret_fault);
	free(text);
	close(fd);
	return err;
}

/* --- what may be put in force ------------------------------------------------------------------------ */

static int compare(const void *a_, const void *b_)
{
	const struct zg_block_entry *a = a_, *b = b_;
	int order = zg_addr_cmp(&a->range.lo, &b->range.lo);
	if (order == 0)
		order = zg_addr_cmp(&b->range.hi, &a->range.hi); /* the wider first: it takes in the others */
	return order != 0 ? order : a->line < b->line ? -1 : a->line > b->line;
}

/* Sorts; of what several entries name, the first keeps it. */
static void disjoin(struct zg_blocklist *list)
{
	size_t kept = 0;
	if (list->n > 1)
		qsort(list->entries, list->n, sizeof *list->entries, compare);
	for (size_t i = 0; i < list->n; i++) {
		struct zg_block_entry e = list->entries[i];
		const struct zg_range *last = kept > 0 ? &list->entries[kept - 1].range : NULL;
		if (last != NULL && last->hi.family == e.range.lo.family && zg_addr_cmp(&e.range.lo, &last->hi) <= 0) {
			if (zg_addr_cmp(&e.range.hi, &last->hi) <= 0 || !zg_addr_next(&last->hi, &e.range.lo))
				continue;
		}
		list->entries[kept++] = e;
	}
	list->n = kept;
}

/* The first entry of a disjoint list that touches the range; NULL = none. */
static const struct zg_block_entry *touching(const struct zg_blocklist *list, const struct zg_range *range)
{
	size_t lo = 0, hi = list->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (zg_addr_cmp(&list->entries[mid].range.hi, &range->lo) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < list->n && zg_range_overlap(&list->entries[lo].range, range) ? &list->entries[lo] : NULL;
}

const struct zg_block_entry *zg_blocklist_find(const struct zg_blocklist *list, const struct zg_addr *addr)
{
	const struct zg_range range = { *addr, *addr };
	return touching(list, &range);
}

/* The first 32 bits of an address: enough to tell how broad a range is. */
static uint32_t head_of(const struct zg_addr *a)
{
	return (uint32_t)a->b[0] << 24 | (uint32_t)a->b[1] << 16 | (uint32_t)a->b[2] << 8 | a->b[3];
}

/* More addresses than the broadest network has? */
static bool too_broad(const struct zg_range *range)
{
	const unsigned bits = range->lo.family == ZG_IPV4 ? ZG_BLOCK_BROADEST4 : ZG_BLOCK_BROADEST6;
	return head_of(&range->hi) - head_of(&range->lo) >= 1u << (32 - bits);
}

/* Networks of the zones; line is the zone's index. What is broader than a network is where everybody else is. */
static enum zg_err own_networks_of(const struct zg_policy *policy, struct zg_blocklist *ret_own)
{
	enum zg_err err = ZG_OK;
	for (size_t z = 0; z < policy->n_zones; z++)
		for (size_t i = 0; i < policy->zones[z].n_ranges && err == ZG_OK; i++)
			if (!too_broad(&policy->zones[z].ranges[i]))
				err = add(ret_own, &policy->zones[z].ranges[i], (uint32_t)z);
	disjoin(ret_own);
	return err;
}

enum zg_err zg_blocklist_effective(const struct zg_blocklist *list, const struct zg_policy *policy, bool own_networks,
				   struct zg_blocklist *ret_list, struct zg_blocklist_spared *ret_spared)
{
	struct zg_blocklist own = { 0 }, kept = { 0 };
	struct zg_blocklist_spared spared = { 0 };
	enum zg_err err = own_networks ? ZG_OK : own_networks_of(policy, &own);

	for (size_t i = 0; i < list->n && err == ZG_OK; i++) {
		const struct zg_block_entry *e = &list->entries[i];
		const bool broad = too_broad(&e->range);
		const struct zg_block_entry *network = broad ? NULL : touching(&own, &e->range);
		if (!broad && network == NULL) {
			err = add(&kept, &e->range, e->line);
		} else if (spared.n++ == 0) {
			spared.line = e->line;
			spared.range = e->range;
			spared.zone = broad ? NULL : policy->zones[network->line].name;
		}
	}
	zg_blocklist_free(&own);
	if (err != ZG_OK) {
		zg_blocklist_free(&kept);
		return err;
	}
	disjoin(&kept);
	*ret_list = kept;
	*ret_spared = spared;
	return ZG_OK;
}
