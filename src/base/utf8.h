/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8 from outside: decoding (RFC 3629, strict), width on a terminal, what must not be shown raw. */
#ifndef ZONEGATE_BASE_UTF8_H
#define ZONEGATE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Length 1..4 of the character at s and its code point; 0 = not UTF-8 (overlong, surrogate, cut off; len 0). */
size_t zg_utf8_next(const char *s, size_t len, uint32_t *ret_cp);
/* Display cells: 2 for East Asian wide and fullwidth (UAX #11), 0 for combining and format characters, else 1. */
int zg_utf8_width(uint32_t cp);
/* C0 and C1 controls, DEL. */
bool zg_utf8_control(uint32_t cp);
/* Characters that make a text read differently from what it is: bidirectional controls, line separators,
 * invisible characters ("Trojan Source", CVE-2021-42574). Ideographic variation selectors are not among them:
 * names of people and places are written with them. */
bool zg_utf8_deceptive(uint32_t cp);
/* Writes with everything unsafe (controls, deceptive characters, bytes that are not UTF-8) as \xNN. */
void zg_utf8_safe(FILE *out, const char *s, size_t len);
/* Cells that zg_utf8_safe() would take. */
int zg_utf8_safe_width(const char *s, size_t len);

#endif
