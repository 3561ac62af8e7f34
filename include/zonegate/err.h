/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One enum of results for the whole project: 0 is success, the rest negative. */
#ifndef ZONEGATE_ERR_H
#define ZONEGATE_ERR_H

enum zg_err {
	ZG_OK = 0,
	ZG_ENOMEM = -1,	 /* allocation failed; the object is unchanged */
	ZG_ESYS = -2,	 /* a system call failed; errno says how */
	ZG_EINVAL = -3,	 /* an argument or a message from outside is malformed */
	ZG_ESHORT = -4,	 /* input ended before the structure did */
	ZG_ELIMIT = -5,	 /* a bound of limits.h was reached */
	ZG_ENOTSUP = -6, /* the kernel or the build lacks what is needed */
	ZG_ECONF = -7,	 /* the configuration is invalid; diagnostics say where */
	ZG_EKERNEL = -8, /* the kernel refused a transaction; diagnostics say what */
	ZG_EDRIFT = -9,	 /* the kernel does not hold what was committed */
	ZG_EAGAIN = -10, /* somebody else changed the rule set in between; try again */
	ZG_EPERM = -11,	 /* not permitted (capability, ownership) */
	ZG_ENOENT = -12, /* what was asked for does not exist */
};

/* A static English phrase for a result; never NULL. */
const char *zg_strerror(enum zg_err err);

#endif
