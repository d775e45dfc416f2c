/*
 * wake.c
 *		Advisory locks in a tag space of our own, and the wake-up of idle workers.
 *
 * The two-lock protocol.  A producer, in its transaction: share-locks P until
 * commit; then tries I exclusively.  Got it: nobody is idle, release it, no
 * NOTIFY.  Not got: a worker is idle, NOTIFY.  Then it inserts and commits.
 * A worker that runs out of work: share-locks I; tries P exclusively.  Got it:
 * every producer that saw nobody idle has committed, so one more scan sees its
 * rows; empty means it is safe to sleep.  Not got: a producer is in flight, scan
 * again soon.  The producer never waits: P is only share-locked, except for the
 * instant of a worker's try.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "commands/async.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "storage/lock.h"

#include "compat.h"
#include "fault.h"
#include "pgdf.h"
#include "wake.h"

/* field4 of the tags */
#define TAG_WAKE		7
#define TAG_PRESENCE	8
#define TAG_RUNNING		9
#define TAG_CALL		10

/* field2, field3 of TAG_WAKE */
#define WAKE_SPACE		0xDF
#define WAKE_PRODUCERS	1
#define WAKE_IDLE		2
#define PIN_CLONES		3
#define RETENTION		4

#define WAKE_CHANNEL	"pgdf"

static void
tag_set(LOCKTAG *tag, uint32 field2, uint32 field3, uint16 field4)
{
	SET_LOCKTAG_ADVISORY(*tag, MyDatabaseId, field2, field3, field4);
}

static void
tag_set_key(LOCKTAG *tag, int64 key, uint16 field4)
{
	tag_set(tag, (uint32) ((uint64) key >> 32), (uint32) key, field4);
}

void
pgdf_wake_workers(void)
{
	static LocalTransactionId noted_lxid = InvalidLocalTransactionId;
	static SubTransactionId noted_subid = InvalidSubTransactionId;
	LOCKTAG		tag;

	/* Once a subtransaction: a rollback to a savepoint drops both lock and NOTIFY. */
	if (pgdf_my_lxid() == noted_lxid && GetCurrentSubTransactionId() == noted_subid)
		return;

	tag_set(&tag, WAKE_SPACE, WAKE_PRODUCERS, TAG_WAKE);
	(void) LockAcquire(&tag, ShareLock, false, false);
	if (pgdf_notify)
		(void) pgdf_wake_if_idle();

	noted_lxid = pgdf_my_lxid();
	noted_subid = GetCurrentSubTransactionId();
}

bool
pgdf_wake_if_idle(void)
{
	LOCKTAG		tag;

	tag_set(&tag, WAKE_SPACE, WAKE_IDLE, TAG_WAKE);
	if (LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL)
	{
		LockRelease(&tag, ExclusiveLock, false);
		return false;
	}
	Async_Notify(WAKE_CHANNEL, "");
	return true;
}

bool
pgdf_producers_are_quiet(void)
{
	LOCKTAG		tag;

	tag_set(&tag, WAKE_SPACE, WAKE_PRODUCERS, TAG_WAKE);
	if (PGDF_BROKEN(wake))
		return true;
	if (LockAcquire(&tag, ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	LockRelease(&tag, ExclusiveLock, false);
	return true;
}

/*
 * A producer holds I exclusively only between two instructions, so waiting for
 * it is short; nobody else can take it.
 */
void
pgdf_idle_set(bool is_idle)
{
	LOCKTAG		tag;

	tag_set(&tag, WAKE_SPACE, WAKE_IDLE, TAG_WAKE);
	if (is_idle)
	{
		if (!pgdf_lock_held(&tag, ShareLock))
			(void) LockAcquire(&tag, ShareLock, true, false);
	}
	else if (pgdf_lock_held(&tag, ShareLock))
		(void) LockRelease(&tag, ShareLock, true);
}

bool
pgdf_presence_take(int64 worker_key, int wait_ms)
{
	LOCKTAG		tag;
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), wait_ms);

	tag_set_key(&tag, worker_key, TAG_PRESENCE);
	if (pgdf_lock_held(&tag, ExclusiveLock))
		return true;
	while (LockAcquire(&tag, ExclusiveLock, true, true) == LOCKACQUIRE_NOT_AVAIL)
	{
		if (GetCurrentTimestamp() >= deadline)
			return false;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 10,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	return true;
}

void
pgdf_presence_release(int64 worker_key)
{
	LOCKTAG		tag;

	tag_set_key(&tag, worker_key, TAG_PRESENCE);
	if (pgdf_lock_held(&tag, ExclusiveLock))
		(void) LockRelease(&tag, ExclusiveLock, true);
}

/* Probing in share mode, so that two who look at once do not see each other. */
bool
pgdf_presence_is_held(int64 worker_key)
{
	LOCKTAG		tag;

	tag_set_key(&tag, worker_key, TAG_PRESENCE);
	if (pgdf_lock_held(&tag, ExclusiveLock) || PGDF_BROKEN(presence))
		return true;
	if (LockAcquire(&tag, ShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return true;
	LockRelease(&tag, ShareLock, false);
	return false;
}

void
pgdf_call_begin(int64 worker_key)
{
	LOCKTAG		tag;

	tag_set_key(&tag, worker_key, TAG_CALL);
	(void) LockAcquire(&tag, ShareLock, false, false);
}

bool
pgdf_call_exclude(int64 worker_key)
{
	LOCKTAG		tag;

	tag_set_key(&tag, worker_key, TAG_CALL);
	return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

void
pgdf_running_mark(int64 instance_key)
{
	LOCKTAG		tag;

	tag_set_key(&tag, instance_key, TAG_RUNNING);
	(void) LockAcquire(&tag, ExclusiveLock, false, true);
}

int
pgdf_running_tag(void)
{
	return TAG_RUNNING;
}

void
pgdf_pin_lock(void)
{
	LOCKTAG		tag;

	tag_set(&tag, WAKE_SPACE, PIN_CLONES, TAG_WAKE);
	(void) LockAcquire(&tag, ExclusiveLock, false, false);
}

bool
pgdf_retention_lock(void)
{
	LOCKTAG		tag;

	tag_set(&tag, WAKE_SPACE, RETENTION, TAG_WAKE);
	return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}
