/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/smtp_domain.h"

#include "proto/ascii.h"

static const char nobody[] = "<>", postmaster[] = "<postmaster>";

/* A name as zg_domain_feed() takes it, in small letters. */
static bool lower_domain(char *text)
{
	struct zg_domain domain;

	zg_domain_begin(&domain);
	for (; *text != '\0'; text++) {
		*text = (char)zg_ascii_lower((uint8_t)*text);
		if (*text == '[' || !zg_domain_feed(&domain, (uint8_t)*text))
			return false;
	}
	return zg_domain_whole(&domain);
}

static const char *check(char *text, const char *other, const char *wanted)
{
	if (zg_ascii_equal((const uint8_t *)text, strlen(text), other)) {
		memcpy(text, other, strlen(other));
		return NULL;
	}
	return lower_domain(strncmp(text, "*.", 2) == 0 ? text + 2 : text) ? NULL : wanted;
}

const char *zg_smtp_check_sender(char *text)
{
	return check(text, nobody, "a domain as \"example.jp\", those below one as \"*.example.jp\", or \"<>\" for bounces");
}

const char *zg_smtp_check_recipient(char *text)
{
	return check(text, postmaster, "a domain as \"example.jp\", those below one as \"*.example.jp\", or \"<postmaster>\"");
}

/* len octets of the list's entry against what the path has. */
static bool is(const struct zg_path *path, const uint8_t *entry, size_t len)
{
	const uint8_t *name = path->domain.name;
	size_t n = path->domain.len;

	if (entry[0] == '*' && n > len - 1) { /* "*.x": what ends with ".x" */
		name += n - (len - 1);
		n = len - 1;
		entry++;
		len--;
	}
	return n == len && memcmp(name, entry, n) == 0;
}

static bool is_word(const uint8_t *entry, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(entry, word, len) == 0;
}

bool zg_smtp_domain_listed(const struct zg_smtp_config *config, const struct zg_item_list *list, const struct zg_path *path)
{
	struct zg_item_list cursor = { 0, 0 };
	const uint8_t *entry;
	size_t len;

	if (list->n == 0)
		return true;
	while (zg_item_list_next(config, list, &cursor, &entry, &len)) {
		if (len == 0)
			continue;
		if (path->has_domain ? !zg_domain_is_literal(&path->domain) && is(path, entry, len) :
				       is_word(entry, len, path->kind == ZG_PATH_REVERSE ? nobody : postmaster))
			return true;
	}
	return false;
}
