/*
 * sd_notify.h
 *		Tell systemd what state the worker is in.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_SD_NOTIFY_H
#define PGDF_SD_NOTIFY_H

/* Send one state, for example "READY=1", when NOTIFY_SOCKET is set. */
extern void sd_notify_send(const char *state);

/* RELOADING=1 with the time that systemd wants beside it. */
extern void sd_notify_reloading(void);

#endif							/* PGDF_SD_NOTIFY_H */
