/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "zonegate/err.h"

const char *zg_strerror(enum zg_err err)
{
	switch (err) {
	case ZG_OK:
		return "success";
	case ZG_ENOMEM:
		return "out of memory";
	case ZG_ESYS:
		return "system call failed";
	case ZG_EINVAL:
		return "malformed";
	case ZG_ESHORT:
		return "ended too early";
	case ZG_ELIMIT:
		return "limit reached";
	case ZG_ENOTSUP:
		return "not supported here";
	case ZG_ECONF:
		return "configuration invalid";
	case ZG_EKERNEL:
		return "refused by the kernel";
	case ZG_EDRIFT:
		return "the kernel holds something else";
	case ZG_EAGAIN:
		return "the rule set was changed by somebody else meanwhile";
	case ZG_EPERM:
		return "not permitted";
	case ZG_ENOENT:
		return "does not exist";
	}
	return "unknown error";
}
