/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proto/tls_hello.h"

#include <string.h>

#include "proto/tls_name.h"

#define LEGACY_VERSION 0x0303u
#define VERSION_1_3    0x0304u
#define HOST_NAME      0u

/* IANA, TLS ExtensionType Values; as far as a rule speaks of them. */
enum extension {
	SERVER_NAME = 0,
	ALPN = 16,
	PRE_SHARED_KEY = 41,
	EARLY_DATA = 42,
	SUPPORTED_VERSIONS = 43,
	COOKIE = 44,
	KEY_SHARE = 51,
	PADDING = 21,
	NEXT_PROTOCOL = 13172, /* NPN: what is chosen is encrypted */
	RENEGOTIATION_INFO = 0xff01,
	ECH = 0xfe0d,
};
#define SCSV_RENEGOTIATION 0x00ffu /* stands for the extension (RFC 5746 3.3) */
#define SCSV_FALLBACK	   0x5600u

/* Parts of a hello, in which lengths nest. */
enum { IN_MESSAGE = 0, IN_BLOCK = 1, IN_BODY = 2, IN_VECTOR = 4 };

enum step {
	VERSION,
	RANDOM,
	SID_LEN,
	SID,
	SUITES_LEN,
	SUITE,
	COMPRESSIONS,
	COMPRESSION,
	CHOSEN,
	CHOSEN_COMPRESSION,
	BLOCK_LEN,
	EXTENSION,
	BODY_LEN,
	SKIP,
	NAMES_LEN,
	NAME_TYPE,
	NAME_LEN,
	NAME,
	PROTOCOLS_LEN,
	PROTOCOL_LEN,
	PROTOCOL,
	VERSIONS_LEN,
	ONE_OF_VERSIONS,
	THE_VERSION,
	ECH_FORM,
	ECH_SUITE,
	ECH_ID,
	ECH_KEY_LEN,
	ECH_KEY,
	ECH_PAYLOAD_LEN,
	N_STEPS
};

struct reading {
	struct zg_tls_hello *h;
	struct zg_tls_offer *offer;
	const void *base;
	const struct zg_tls_config *c;
};

static enum zg_reason enter(struct reading *r, enum step step);
static enum zg_reason enter_run(struct reading *r, enum step step, uint32_t octets);

/* RFC 8701 */
static bool is_grease(uint32_t number)
{
	return (number & 0x0f0f) == 0x0a0a && number >> 8 == (number & 0xff);
}

/* --- the whole was read ------------------------------------------------------------------------- */

static bool offered(const struct zg_tls_offer *offer, uint32_t extension, unsigned *ret_place)
{
	for (unsigned i = 0; i < offer->n_extensions; i++) {
		if (offer->extensions[i] == extension) {
			*ret_place = i;
			return true;
		}
	}
	return false;
}

static bool has_suite(const struct zg_tls_offer *offer, uint32_t suite)
{
	for (unsigned i = 0; i < offer->n_suites; i++)
		if (offer->suites[i] == suite)
			return true;
	return false;
}

/* What of the first ClientHello may be missing in the second. */
static bool may_go(uint32_t extension)
{
	return extension == EARLY_DATA || extension == PRE_SHARED_KEY || extension == PADDING;
}

/* What may stand in the second only: a share of another size moves it into the lengths that clients pad, or out of them. */
static bool may_come(uint32_t extension)
{
	return extension == COOKIE || extension == PADDING;
}

static bool same_again(const struct zg_tls_hello *h, const struct zg_tls_offer *offer)
{
	for (unsigned i = 0; i < offer->n_extensions; i++)
		if ((h->met >> i & 1) == 0 && !may_go(offer->extensions[i]))
			return false;
	return h->versions == offer->versions && h->alpn == offer->alpn;
}

static enum zg_reason client_whole(const struct reading *r)
{
	struct zg_tls_hello *h = r->h;

	if (!h->versioned)
		h->versions = 1u << ZG_TLS_1_2;
	if (h->versions >> r->c->min_version == 0)
		return ZG_R_TLS_VERSION;
	if (!h->named && r->c->names.n > 0)
		return ZG_R_TLS_NO_NAME;
	if (r->c->alpn.n > 0 && h->alpn == 0 && !r->c->alpn_optional)
		return ZG_R_TLS_ALPN;
	if (h->again) {
		r->offer->early_data = 0; /* RFC 8446 4.2.10: none behind it */
		return same_again(h, r->offer) ? ZG_R_NONE : ZG_R_TLS_CHANGED;
	}
	r->offer->versions = h->versions;
	r->offer->alpn = h->alpn;
	return ZG_R_NONE;
}

static enum zg_reason server_whole(const struct reading *r)
{
	const struct zg_tls_hello *h = r->h;
	const bool new = h->versioned, new_suite = h->suite >> 8 == 0x13;
	const unsigned version = new ? ZG_TLS_1_3 : ZG_TLS_1_2;

	if (version < r->c->min_version)
		return ZG_R_TLS_VERSION;
	if ((r->offer->versions >> version & 1) == 0 || new != new_suite)
		return ZG_R_TLS_CHOICE;
	if (new ? h->only12 || h->other_sid : h->only13 || h->retry)
		return ZG_R_TLS_CHOICE;
	/* RFC 8446 D.3: the client gives up; what it sent early is no data of 1.2 */
	if (!new && r->offer->early_data)
		return ZG_R_TLS_EARLY_DATA;
	return ZG_R_NONE;
}

static enum zg_reason whole(const struct reading *r)
{
	if (r->h->message > 0)
		return ZG_R_TLS_HELLO;
	return r->h->server ? server_whole(r) : client_whole(r);
}

static enum zg_reason next_extension(struct reading *r)
{
	if (r->h->body > 0)
		return ZG_R_TLS_HELLO;
	if (r->h->block == 0)
		return whole(r);
	return r->h->last ? ZG_R_TLS_HELLO : enter(r, EXTENSION);
}

/* --- before the extensions ----------------------------------------------------------------------- */

static enum zg_reason got_version(struct reading *r, uint32_t number)
{
	if (number != LEGACY_VERSION)
		return ZG_R_TLS_VERSION;
	return enter_run(r, RANDOM, ZG_TLS_RANDOM_LEN);
}

/* RFC 8446 4.1.3: by this a HelloRetryRequest is told. */
static enum zg_reason in_random(struct reading *r, uint8_t octet)
{
	static const uint8_t retry[ZG_TLS_RANDOM_LEN] = { 0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
							  0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
							  0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c };
	if (retry[ZG_TLS_RANDOM_LEN - r->h->run] != octet)
		r->h->retry = 0;
	return ZG_R_NONE;
}

static enum zg_reason after_random(struct reading *r, uint32_t number)
{
	(void)number;
	return enter(r, SID_LEN);
}

static enum zg_reason got_sid_len(struct reading *r, uint32_t number)
{
	if (number > ZG_TLS_SID_MAX)
		return ZG_R_TLS_HELLO;
	if (r->h->again && number != r->offer->sid_len)
		return ZG_R_TLS_CHANGED;
	if (r->h->server)
		r->h->other_sid = number != r->offer->sid_len;
	else
		r->offer->sid_len = (uint8_t)number;
	return enter_run(r, SID, number);
}

static enum zg_reason in_sid(struct reading *r, uint8_t octet)
{
	struct zg_tls_hello *h = r->h;
	uint8_t *mine = &r->offer->sid[h->string_len++];

	if (h->again)
		return *mine == octet ? ZG_R_NONE : ZG_R_TLS_CHANGED;
	if (h->server)
		h->other_sid = h->other_sid || *mine != octet;
	else
		*mine = octet;
	return ZG_R_NONE;
}

static enum zg_reason after_sid(struct reading *r, uint32_t number)
{
	(void)number;
	return enter(r, r->h->server ? CHOSEN : SUITES_LEN);
}

static enum zg_reason got_suites_len(struct reading *r, uint32_t number)
{
	if (number < 2 || number % 2 != 0 || number > r->h->message)
		return ZG_R_TLS_HELLO;
	if (number / 2 > ZG_TLS_SUITES_MAX)
		return ZG_R_TLS_SIZE;
	if (r->h->again && number / 2 != r->offer->n_suites)
		return ZG_R_TLS_CHANGED;
	r->offer->n_suites = (uint16_t)(number / 2);
	r->h->vector = number;
	return enter(r, SUITE);
}

static enum zg_reason got_suite(struct reading *r, uint32_t number)
{
	uint16_t *mine = &r->offer->suites[r->h->count++];

	if (r->h->again && *mine != number)
		return ZG_R_TLS_CHANGED;
	*mine = (uint16_t)number;
	return enter(r, r->h->vector > 0 ? SUITE : COMPRESSIONS);
}

/* Exactly one, and that is none: so TLS 1.3 wants it of every client. */
static enum zg_reason got_compressions(struct reading *r, uint32_t number)
{
	return number == 1 ? enter(r, COMPRESSION) : ZG_R_TLS_COMPRESSION;
}

static enum zg_reason got_compression(struct reading *r, uint32_t number)
{
	if (number != 0)
		return ZG_R_TLS_COMPRESSION;
	return r->h->message > 0 ? enter(r, BLOCK_LEN) : whole(r); /* RFC 5246 7.4.1.2: extensions may be left out */
}

static enum zg_reason got_chosen(struct reading *r, uint32_t number)
{
	r->h->suite = (uint16_t)number;
	if (!has_suite(r->offer, number) || is_grease(number) || number == SCSV_RENEGOTIATION || number == SCSV_FALLBACK)
		return ZG_R_TLS_CHOICE;
	return enter(r, CHOSEN_COMPRESSION);
}

static enum zg_reason got_block_len(struct reading *r, uint32_t number)
{
	if (number != r->h->message)
		return ZG_R_TLS_HELLO;
	r->h->block = number;
	return next_extension(r);
}

/* --- extensions ------------------------------------------------------------------------------------ */

/* Of a ClientHello. What is not here may name a server too, or lead out of the handshake as it is read here: client certificates
 * by URL, SRP, heartbeats of QUIC. IANA's names stand in the order of the numbers. */
static bool is_known(uint32_t extension)
{
	static const uint16_t known[] = {
		SERVER_NAME, /* 0 */
		1,	     /* max_fragment_length */
		5,	     /* status_request */
		10,	     /* supported_groups */
		11,	     /* ec_point_formats */
		13,	     /* signature_algorithms */
		15,	     /* heartbeat: offered by some; a heartbeat itself is refused */
		ALPN,
		17,    /* status_request_v2 */
		18,    /* signed_certificate_timestamp */
		19,    /* client_certificate_type */
		20,    /* server_certificate_type */
		PADDING,
		22,    /* encrypt_then_mac */
		23,    /* extended_master_secret */
		24,    /* token_binding */
		27,    /* compress_certificate */
		28,    /* record_size_limit */
		34,    /* delegated_credential */
		35,    /* session_ticket */
		PRE_SHARED_KEY,
		EARLY_DATA,
		SUPPORTED_VERSIONS,
		COOKIE,
		45,    /* psk_key_exchange_modes */
		47,    /* certificate_authorities */
		49,    /* post_handshake_auth */
		50,    /* signature_algorithms_cert */
		KEY_SHARE,
		58,    /* ticket_request */
		NEXT_PROTOCOL,
		17513, /* application_settings, as first numbered */
		17613, /* application_settings */
		0xca34, /* trust_anchors */
		RENEGOTIATION_INFO,
	};
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (known[i] == extension)
			return true;
	return is_grease(extension);
}

/* Encrypted ClientHello, and its predecessors. */
static bool hides_hello(uint32_t extension)
{
	return extension == 0xffce || extension == 0xff02 || extension == 0xff03 || extension == 0xfd00 || extension >> 8 == 0xfe;
}

static enum zg_reason client_extension(struct reading *r, uint32_t extension)
{
	struct zg_tls_hello *h = r->h;
	unsigned place;

	if (hides_hello(extension) && (extension != ECH || !r->c->ech_grease))
		return ZG_R_TLS_ENCRYPTED_HELLO;
	if (extension == EARLY_DATA && !r->c->early_data)
		return ZG_R_TLS_EARLY_DATA;
	if (extension != ECH && !is_known(extension) && !r->c->unknown_extensions)
		return ZG_R_TLS_EXTENSION;
	if (!offered(r->offer, extension, &place)) {
		if (h->again && !may_come(extension))
			return ZG_R_TLS_CHANGED;
		if (r->offer->n_extensions >= ZG_TLS_EXTENSIONS_MAX)
			return ZG_R_TLS_SIZE;
		place = r->offer->n_extensions++;
		r->offer->extensions[place] = (uint16_t)extension;
	} else if ((h->met >> place & 1) != 0) {
		return ZG_R_TLS_TWICE;
	}
	/* early data belong to the first only (RFC 8446 4.1.2) */
	if (h->again && extension == EARLY_DATA)
		return ZG_R_TLS_CHANGED;
	h->met |= UINT64_C(1) << place;
	h->last = extension == PRE_SHARED_KEY;
	r->offer->early_data |= extension == EARLY_DATA;
	return ZG_R_NONE;
}

/* RFC 8446 4.1.3, 4.1.4: what may stand in the clear. */
static void belongs_to(struct zg_tls_hello *h, uint32_t extension)
{
	const bool both = extension == SUPPORTED_VERSIONS || extension == KEY_SHARE;

	if (extension == PRE_SHARED_KEY ? h->retry : extension == COOKIE ? !h->retry : !both)
		h->only12 = 1;
	if (both || extension == PRE_SHARED_KEY || extension == COOKIE)
		h->only13 = 1;
}

static enum zg_reason server_extension(struct reading *r, uint32_t extension)
{
	struct zg_tls_hello *h = r->h;
	const bool unasked = (extension == COOKIE && h->retry) ||
			     (extension == RENEGOTIATION_INFO && has_suite(r->offer, SCSV_RENEGOTIATION));
	unsigned place = ZG_TLS_EXTENSIONS_MAX; /* the bit of what was not asked for */

	if (hides_hello(extension))
		return ZG_R_TLS_ENCRYPTED_HELLO;
	if ((!offered(r->offer, extension, &place) && !unasked) || is_grease(extension) || extension == NEXT_PROTOCOL)
		return ZG_R_TLS_CHOICE;
	if ((h->met >> place & 1) != 0)
		return ZG_R_TLS_TWICE;
	h->met |= UINT64_C(1) << place;
	belongs_to(h, extension);
	return ZG_R_NONE;
}

static enum zg_reason got_extension(struct reading *r, uint32_t number)
{
	const enum zg_reason reason = r->h->server ? server_extension(r, number) : client_extension(r, number);

	r->h->extension = (uint16_t)number;
	return reason == ZG_R_NONE ? enter(r, BODY_LEN) : reason;
}

static enum zg_reason got_body_len(struct reading *r, uint32_t number)
{
	static const struct {
		uint16_t extension;
		uint8_t server, step;
	} forms[] = {
		{ SERVER_NAME, 0, NAMES_LEN },
		{ ALPN, 0, PROTOCOLS_LEN },
		{ ALPN, 1, PROTOCOLS_LEN },
		{ SUPPORTED_VERSIONS, 0, VERSIONS_LEN },
		{ SUPPORTED_VERSIONS, 1, THE_VERSION },
		{ ECH, 0, ECH_FORM },
	};
	struct zg_tls_hello *h = r->h;

	if (number > h->block)
		return ZG_R_TLS_HELLO;
	h->body = number;
	if (h->extension == EARLY_DATA && number != 0)
		return ZG_R_TLS_HELLO;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
		if (forms[i].extension == h->extension && forms[i].server == h->server)
			return enter(r, (enum step)forms[i].step);
	return enter_run(r, SKIP, number);
}

static enum zg_reason after_body(struct reading *r, uint32_t number)
{
	(void)number;
	return next_extension(r);
}

/* A list that fills its extension. */
static enum zg_reason fills_body(struct reading *r, uint32_t number, enum step step)
{
	if (number != r->h->body)
		return ZG_R_TLS_HELLO;
	r->h->vector = number;
	return enter(r, step);
}

static enum zg_reason in_string(struct reading *r, uint8_t octet)
{
	r->h->string[r->h->string_len++] = octet;
	return ZG_R_NONE;
}

/* --- server_name: one, of a host (RFC 6066 3) ------------------------------------------------------ */

static enum zg_reason got_names_len(struct reading *r, uint32_t number)
{
	const enum zg_reason reason = fills_body(r, number, NAME_TYPE);
	return reason == ZG_R_NONE ? ZG_R_NONE : ZG_R_TLS_NAME_FORM;
}

static enum zg_reason got_name_type(struct reading *r, uint32_t number)
{
	return number == HOST_NAME ? enter(r, NAME_LEN) : ZG_R_TLS_NAME_FORM;
}

static enum zg_reason got_name_len(struct reading *r, uint32_t number)
{
	if (number == 0 || number != r->h->vector || number > ZG_TLS_NAME_MAX)
		return ZG_R_TLS_NAME_FORM;
	return enter_run(r, NAME, number);
}

static enum zg_reason in_name(struct reading *r, uint8_t octet)
{
	return in_string(r, zg_tls_small(octet));
}

static bool like_address(const uint8_t *name, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const bool digit = (name[i] >= '0' && name[i] <= '9') || (name[i] >= 'a' && name[i] <= 'f');
		if (!digit && name[i] != '.' && name[i] != ':')
			return false;
	}
	return true;
}

static enum zg_reason after_name(struct reading *r, uint32_t number)
{
	const struct zg_tls_hello *h = r->h;
	struct zg_tls_offer *offer = r->offer;
	(void)number;

	/* where any server may be meant, an address may be too: some clients write what they were given */
	if (!zg_tls_name_good(h->string, h->string_len) && (r->c->names.n > 0 || !like_address(h->string, h->string_len)))
		return ZG_R_TLS_NAME_FORM;
	if (r->c->names.n > 0 && !zg_tls_name_listed(r->base, &r->c->names, h->string, h->string_len))
		return ZG_R_TLS_NAME;
	if (h->again && (offer->name_len != h->string_len || memcmp(offer->name, h->string, h->string_len) != 0))
		return ZG_R_TLS_CHANGED;
	offer->name_len = h->string_len;
	memcpy(offer->name, h->string, h->string_len);
	r->h->named = 1;
	return next_extension(r);
}

/* --- application_layer_protocol_negotiation (RFC 7301) ----------------------------------------------- */

static enum zg_reason got_protocols_len(struct reading *r, uint32_t number)
{
	return fills_body(r, number, PROTOCOL_LEN);
}

static enum zg_reason got_protocol_len(struct reading *r, uint32_t number)
{
	if (number == 0 || (r->h->server && number != r->h->vector))
		return ZG_R_TLS_HELLO;
	return enter_run(r, PROTOCOL, number);
}

static enum zg_reason after_protocol(struct reading *r, uint32_t number)
{
	struct zg_tls_hello *h = r->h;
	const int place = zg_tls_alpn_place(r->base, &r->c->alpn, h->string, h->string_len);
	const bool grease = h->string_len == 2 && is_grease((uint32_t)h->string[0] << 8 | h->string[1]) && !h->server;
	(void)number;

	if (r->c->alpn.n > 0 && place < 0 && !grease)
		return ZG_R_TLS_ALPN;
	if (place >= 0)
		h->alpn |= UINT32_C(1) << place;
	if (h->server && (h->alpn & ~r->offer->alpn) != 0)
		return ZG_R_TLS_CHOICE;
	return h->vector > 0 ? enter(r, PROTOCOL_LEN) : next_extension(r);
}

/* --- supported_versions (RFC 8446 4.2.1) --------------------------------------------------------------- */

static enum zg_reason got_versions_len(struct reading *r, uint32_t number)
{
	if (number % 2 != 0)
		return ZG_R_TLS_HELLO;
	return fills_body(r, number, ONE_OF_VERSIONS);
}

/* Of a client: older ones and those that nobody knows may be among them, the server's choice is what counts. */
static enum zg_reason got_one_of_versions(struct reading *r, uint32_t number)
{
	struct zg_tls_hello *h = r->h;

	h->versioned = 1;
	if (number == LEGACY_VERSION)
		h->versions |= 1u << ZG_TLS_1_2;
	else if (number == VERSION_1_3)
		h->versions |= 1u << ZG_TLS_1_3;
	return h->vector > 0 ? enter(r, ONE_OF_VERSIONS) : next_extension(r);
}

static enum zg_reason got_the_version(struct reading *r, uint32_t number)
{
	r->h->versioned = 1;
	return number == VERSION_1_3 ? next_extension(r) : ZG_R_TLS_VERSION;
}

/* --- encrypted_client_hello, as one that means nothing has to look (RFC 9849 5, 6.2) ---------------------- */

static enum zg_reason got_ech_form(struct reading *r, uint32_t number)
{
	return number == 0 ? enter(r, ECH_SUITE) : ZG_R_TLS_ENCRYPTED_HELLO;
}

static enum zg_reason got_ech_suite(struct reading *r, uint32_t number)
{
	(void)number;
	return enter(r, ECH_ID);
}

static enum zg_reason got_ech_id(struct reading *r, uint32_t number)
{
	(void)number;
	return enter(r, ECH_KEY_LEN);
}

/* Without a key only a real one is repeated after a HelloRetryRequest. */
static enum zg_reason got_ech_key_len(struct reading *r, uint32_t number)
{
	return number > 0 ? enter_run(r, ECH_KEY, number) : ZG_R_TLS_ENCRYPTED_HELLO;
}

static enum zg_reason after_ech_key(struct reading *r, uint32_t number)
{
	(void)number;
	return enter(r, ECH_PAYLOAD_LEN);
}

static enum zg_reason got_ech_payload_len(struct reading *r, uint32_t number)
{
	return number > 0 && number == r->h->body ? enter_run(r, SKIP, number) : ZG_R_TLS_HELLO;
}

/* --- the machine -------------------------------------------------------------------------------------- */

/* A number of so many octets, or, without, a run of octets; what they are counted in; what is done with each octet of a run,
 * and at the end. */
static const struct {
	uint8_t octets, in;
	enum zg_reason (*octet)(struct reading *r, uint8_t octet);
	enum zg_reason (*got)(struct reading *r, uint32_t number);
} steps[N_STEPS] = {
	[VERSION] = { 2, IN_MESSAGE, NULL, got_version },
	[RANDOM] = { 0, IN_MESSAGE, in_random, after_random },
	[SID_LEN] = { 1, IN_MESSAGE, NULL, got_sid_len },
	[SID] = { 0, IN_MESSAGE, in_sid, after_sid },
	[SUITES_LEN] = { 2, IN_MESSAGE, NULL, got_suites_len },
	[SUITE] = { 2, IN_VECTOR, NULL, got_suite },
	[COMPRESSIONS] = { 1, IN_MESSAGE, NULL, got_compressions },
	[COMPRESSION] = { 1, IN_MESSAGE, NULL, got_compression },
	[CHOSEN] = { 2, IN_MESSAGE, NULL, got_chosen },
	[CHOSEN_COMPRESSION] = { 1, IN_MESSAGE, NULL, got_compression },
	[BLOCK_LEN] = { 2, IN_MESSAGE, NULL, got_block_len },
	[EXTENSION] = { 2, IN_BLOCK, NULL, got_extension },
	[BODY_LEN] = { 2, IN_BLOCK, NULL, got_body_len },
	[SKIP] = { 0, IN_BLOCK | IN_BODY, NULL, after_body },
	[NAMES_LEN] = { 2, IN_BLOCK | IN_BODY, NULL, got_names_len },
	[NAME_TYPE] = { 1, IN_BLOCK | IN_BODY | IN_VECTOR, NULL, got_name_type },
	[NAME_LEN] = { 2, IN_BLOCK | IN_BODY | IN_VECTOR, NULL, got_name_len },
	[NAME] = { 0, IN_BLOCK | IN_BODY | IN_VECTOR, in_name, after_name },
	[PROTOCOLS_LEN] = { 2, IN_BLOCK | IN_BODY, NULL, got_protocols_len },
	[PROTOCOL_LEN] = { 1, IN_BLOCK | IN_BODY | IN_VECTOR, NULL, got_protocol_len },
	[PROTOCOL] = { 0, IN_BLOCK | IN_BODY | IN_VECTOR, in_string, after_protocol },
	[VERSIONS_LEN] = { 1, IN_BLOCK | IN_BODY, NULL, got_versions_len },
	[ONE_OF_VERSIONS] = { 2, IN_BLOCK | IN_BODY | IN_VECTOR, NULL, got_one_of_versions },
	[THE_VERSION] = { 2, IN_BLOCK | IN_BODY, NULL, got_the_version },
	[ECH_FORM] = { 1, IN_BLOCK | IN_BODY, NULL, got_ech_form },
	[ECH_SUITE] = { 4, IN_BLOCK | IN_BODY, NULL, got_ech_suite },
	[ECH_ID] = { 1, IN_BLOCK | IN_BODY, NULL, got_ech_id },
	[ECH_KEY_LEN] = { 2, IN_BLOCK | IN_BODY, NULL, got_ech_key_len },
	[ECH_KEY] = { 0, IN_BLOCK | IN_BODY, NULL, after_ech_key },
	[ECH_PAYLOAD_LEN] = { 2, IN_BLOCK | IN_BODY, NULL, got_ech_payload_len },
};

/* What is left of the innermost part. */
static uint32_t left_in(const struct zg_tls_hello *h, unsigned in)
{
	return in & IN_VECTOR ? h->vector : in & IN_BODY ? h->body : in & IN_BLOCK ? h->block : h->message;
}

static enum zg_reason enter(struct reading *r, enum step step)
{
	r->h->step = (uint8_t)step;
	r->h->octets = 0;
	r->h->number = 0;
	return left_in(r->h, steps[step].in) >= steps[step].octets ? ZG_R_NONE : ZG_R_TLS_HELLO;
}

static enum zg_reason enter_run(struct reading *r, enum step step, uint32_t octets)
{
	r->h->step = (uint8_t)step;
	r->h->run = octets;
	r->h->string_len = 0;
	if (octets > left_in(r->h, steps[step].in))
		return ZG_R_TLS_HELLO;
	return octets > 0 ? ZG_R_NONE : steps[step].got(r, 0);
}

static void count_down(struct zg_tls_hello *h, unsigned in)
{
	h->message--;
	h->block -= (in & IN_BLOCK) != 0;
	h->body -= (in & IN_BODY) != 0;
	h->vector -= (in & IN_VECTOR) != 0;
}

void zg_tls_hello_begin(struct zg_tls_hello *h, bool server, bool again, uint32_t length)
{
	*h = (struct zg_tls_hello){ .server = server, .again = again, .retry = server, .message = length };
}

enum zg_reason zg_tls_hello_octet(struct zg_tls_hello *h, struct zg_tls_offer *offer, const void *base,
				  const struct zg_tls_config *c, uint8_t octet)
{
	struct reading r = { h, offer, base, c };
	const enum step step = (enum step)h->step;
	enum zg_reason reason = ZG_R_NONE;

	count_down(h, steps[step].in);
	if (steps[step].octets > 0) {
		h->number = h->number << 8 | octet;
		if (++h->octets == steps[step].octets)
			reason = steps[step].got(&r, h->number);
	} else {
		if (steps[step].octet != NULL)
			reason = steps[step].octet(&r, octet);
		if (--h->run == 0 && reason == ZG_R_NONE)
			reason = steps[step].got(&r, 0);
	}
	return reason;
}
