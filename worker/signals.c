/*
 * signals.c
 *		Signals, read by the event loop as flags.
 *
 * The signals are blocked and come through a signalfd, so no code of ours runs
 * in a handler and no system call of ours is interrupted.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"
#include "worker.h"
#include "xalloc.h"

static const int handled_signals[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};

#define HANDLED_COUNT (sizeof(handled_signals) / sizeof(handled_signals[0]))

static void read_signals(Worker *w, int fd, int events, void *arg);

bool
signals_init(Worker *w)
{
	Signals    *signals = xcalloc(1, sizeof(Signals));
	sigset_t	mask;

	w->signals = signals;
	sigemptyset(&mask);
	for (size_t i = 0; i < HANDLED_COUNT; i++)
		sigaddset(&mask, handled_signals[i]);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	signal(SIGPIPE, SIG_IGN);

	signals->fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
	if (signals->fd < 0)
	{
		log_error("could not create signal descriptor: %s", strerror(errno));
		return false;
	}
	loop_watch(w, signals->fd, LOOP_READ, read_signals, signals);
	return true;
}

void
signals_free(Worker *w)
{
	if (w->signals == NULL)
		return;
	if (w->signals->fd >= 0)
	{
		loop_unwatch(w, w->signals->fd);
		close(w->signals->fd);
	}
	free(w->signals);
	w->signals = NULL;
}

void
signals_reset_in_child(void)
{
	sigset_t	none;

	/* also those that whoever started the worker had ignored */
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
read_signals(Worker *w, int fd, int events, void *arg)
{
	Signals    *signals = arg;
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == (ssize_t) sizeof(info))
	{
		switch (info.ssi_signo)
		{
			case SIGTERM:
			case SIGINT:
				signals->stop_count++;
				break;
			case SIGHUP:
				signals->reload = true;
				break;
			case SIGCHLD:
				signals->child = true;
				break;
		}
	}
}
