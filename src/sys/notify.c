/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define FD_NAME "nft"

int zg_notify_stored(const char *name)
{
	char **names = NULL;
	int found = -1;
	int n = sd_listen_fds_with_names(1, &names);

	for (int i = 0; i < n; i++) {
		if (found < 0 && names != NULL && strcmp(names[i], name) == 0)
			found = SD_LISTEN_FDS_START + i;
		else
			close(SD_LISTEN_FDS_START + i);
	}
	for (int i = 0; i < n && names != NULL; i++)
		free(names[i]);
	free(names);
	return found;
}

void zg_notify_ready(int fd, const char *status)
{
	char text[1024];
	/* FDPOLL=0: a netlink overrun raises EPOLLERR, for which the manager would throw the descriptor away */
	sd_pid_notify_with_fds(0, 0, "FDSTOREREMOVE=1\nFDNAME=" FD_NAME, NULL, 0);
	sd_pid_notify_with_fds(0, 0, "FDSTORE=1\nFDPOLL=0\nFDNAME=" FD_NAME, &fd, 1);
	snprintf(text, sizeof text, "READY=1\nSTATUS=%s", status);
	sd_notify(0, text);
}

void zg_notify_watchdog(void)
{
	sd_notify(0, "WATCHDOG=1");
}

void zg_notify_stopping(void)
{
	sd_notify(0, "STOPPING=1\nSTATUS=closing the boundary");
	sd_notify(0, "FDSTOREREMOVE=1\nFDNAME=" FD_NAME);
}
