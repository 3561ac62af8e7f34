/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/capture.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>

#include "zonegate/rd.h"

#define TYPE_IP4     0x0800
#define TYPE_IP6     0x86dd
#define VLAN_NESTED  4 /* tags before the packet: two are in use (802.1ad) */
#define TYPE_ANY_IP  1 /* says itself which version it is */

struct zg_capture {
	pcap_t *pcap;
	int linktype;
};

static bool is_vlan(uint16_t type)
{
	return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

static uint16_t skip_vlan(struct zg_rd *rd, uint16_t type)
{
	for (int i = 0; i < VLAN_NESTED && is_vlan(type); i++) {
		zg_rd_skip(rd, 2);
		type = zg_rd_be16(rd);
	}
	return type;
}

/* Reads the link header; what follows as an EtherType, 0 = nothing of ours. */
static bool link_header(int linktype, struct zg_rd *rd, uint16_t *ret_type)
{
	switch (linktype) {
	case DLT_EN10MB:
		zg_rd_skip(rd, 12);
		*ret_type = skip_vlan(rd, zg_rd_be16(rd));
		return true;
	case DLT_LINUX_SLL:
		zg_rd_skip(rd, 14);
		*ret_type = skip_vlan(rd, zg_rd_be16(rd));
		return true;
	case DLT_LINUX_SLL2:
		*ret_type = zg_rd_be16(rd);
		zg_rd_skip(rd, 18);
		*ret_type = skip_vlan(rd, *ret_type);
		return true;
	case DLT_NULL: /* an address family in the byte order and numbering of some other host */
	case DLT_LOOP:
		zg_rd_skip(rd, 4);
		*ret_type = TYPE_ANY_IP;
		return true;
	case DLT_RAW:
	case DLT_IPV4:
	case DLT_IPV6:
		*ret_type = TYPE_ANY_IP;
		return true;
	default:
		return false;
	}
}

/* Length that the packet gives itself; 0 = none to go by. */
static size_t ip_length(const uint8_t *p, size_t len)
{
	struct zg_rd rd = zg_rd_init(p, len);
	const uint8_t version = zg_rd_u8(&rd) >> 4;
	zg_rd_skip(&rd, version == 4 ? 1 : 3);
	const uint16_t length = zg_rd_be16(&rd);
	if (rd.err || length == 0)
		return 0;
	return version == 4 ? length : (size_t)length + 40;
}

bool zg_capture_ip(int linktype, const uint8_t *frame, size_t len, size_t wire_len, struct zg_capture_packet *ret_packet)
{
	struct zg_rd rd = zg_rd_init(frame, len);
	uint16_t type = 0;

	ret_packet->data = NULL;
	ret_packet->len = ret_packet->wire_len = 0;
	if (!link_header(linktype, &rd, &type))
		return false;
	if (rd.err || zg_rd_left(&rd) == 0 || (type != TYPE_IP4 && type != TYPE_IP6 && type != TYPE_ANY_IP))
		return true;
	const uint8_t *ip = frame + rd.pos;
	const uint8_t version = ip[0] >> 4;
	if ((version != 4 && version != 6) || (type == TYPE_IP4 && version != 4) || (type == TYPE_IP6 && version != 6))
		return true;
	size_t left = zg_rd_left(&rd), wire = wire_len > rd.pos ? wire_len - rd.pos : 0;
	if (wire < left)
		wire = left;
	/* Ethernet pads short frames: what lies behind the packet is not part of it */
	const size_t own = ip_length(ip, left);
	if (own >= 20 && own < wire)
		wire = own;
	ret_packet->data = ip;
	ret_packet->len = left < wire ? left : wire;
	ret_packet->wire_len = wire;
	return true;
}

enum zg_err zg_capture_open(const char *file, struct zg_capture **ret_capture,
			    char ret_error[static ZG_CAPTURE_ERROR_MAX])
{
	char error[PCAP_ERRBUF_SIZE] = "";
	struct zg_capture_packet none;
	struct zg_capture *capture = calloc(1, sizeof *capture);

	if (capture == NULL) {
		snprintf(ret_error, ZG_CAPTURE_ERROR_MAX, "out of memory");
		return ZG_ENOMEM;
	}
	capture->pcap = pcap_open_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_MICRO, error);
	if (capture->pcap == NULL) {
		snprintf(ret_error, ZG_CAPTURE_ERROR_MAX, "%s", error);
		zg_capture_close(capture);
		return ZG_ESYS;
	}
	capture->linktype = pcap_datalink(capture->pcap);
	if (!zg_capture_ip(capture->linktype, (const uint8_t *)"", 0, 0, &none)) {
		const char *name = pcap_datalink_val_to_name(capture->linktype);
		snprintf(ret_error, ZG_CAPTURE_ERROR_MAX, "link type %s (%d) is not handled: Ethernet, raw IP, Linux cooked "
			 "and BSD loopback are", name != NULL ? name : "unknown", capture->linktype);
		zg_capture_close(capture);
		return ZG_ENOTSUP;
	}
	*ret_capture = capture;
	return ZG_OK;
}

void zg_capture_close(struct zg_capture *capture)
{
	if (capture == NULL)
		return;
	if (capture->pcap != NULL)
		pcap_close(capture->pcap);
	free(capture);
}

enum zg_err zg_capture_next(struct zg_capture *capture, struct zg_capture_packet *ret_packet,
			    char ret_error[static ZG_CAPTURE_ERROR_MAX])
{
	struct pcap_pkthdr *header;
	const u_char *frame;

	switch (pcap_next_ex(capture->pcap, &header, &frame)) {
	case 1:
		(void)zg_capture_ip(capture->linktype, frame, header->caplen, header->len, ret_packet);
		ret_packet->time_ms = (int64_t)header->ts.tv_sec * 1000 + header->ts.tv_usec / 1000;
		return ZG_OK;
	case PCAP_ERROR_BREAK:
		return ZG_ENOENT;
	default:
		snprintf(ret_error, ZG_CAPTURE_ERROR_MAX, "%s", pcap_geterr(capture->pcap));
		return ZG_ESHORT;
	}
}
