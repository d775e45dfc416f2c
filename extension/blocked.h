/*
 * blocked.h
 *		Why a live instance does not go on.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#ifndef PGDF_BLOCKED_H
#define PGDF_BLOCKED_H

/*
 * SQL: is there a live worker that would claim this row of df.tasks?  SQL
 * activities, whose lanes begin with '*', are run by whoever serves the queue.
 */
#define PGDF_TASK_IS_SERVED(task) \
	"EXISTS (SELECT FROM df.worker_sessions w" \
	"         WHERE w.lease_until > clock_timestamp() AND " task ".queue = ANY (w.queues)" \
	"           AND (" task ".lane = ANY (w.activities)" \
	"                OR left(" task ".lane, 1) = '*'" \
	"               AND (left(" task ".lane, 5) <> '*map ' OR substr(" task ".lane, 6) = ANY (w.activities))" \
	"               AND (left(" task ".lane, 6) <> '*http:' OR 'df_http' = ANY (w.activities))))"

#endif							/* PGDF_BLOCKED_H */
