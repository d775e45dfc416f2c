/*
 * user_code.c
 *		The subtransaction around code that users wrote.
 *
 * The engine never runs with its own rights what somebody else wrote, and never
 * lets it outlive its subtransaction: deferred triggers and cursors that it
 * leaves are run and closed while its owner is still in force.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/async.h"
#include "commands/prepare.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

#include "engine.h"
#include "failure.h"
#include "invoke.h"
#include "pin.h"
#include "runaway.h"
#include "user_code.h"
#include "wake.h"

/* What user code can rely on, whatever the session's settings are. */
static const char *const fixed_settings[][2] = {
	{"DateStyle", "ISO, MDY"},
	{"IntervalStyle", "postgres"},
	{"TimeZone", "UTC"},
	{"extra_float_digits", "1"},
};

/* How long an activity inside the engine's transaction waits for a lock. */
#define INLINE_LOCK_TIMEOUT		"50ms"

static void set_local(const char *name, const char *value);
static void watch_transactions(void);
static void forget_plans(void);
static void tell_nobody(void);
static void tell_client(void);
static Oid	prologue(UserCode *code);
static void epilogue(const UserCode *code);
static void run_deferred(void);

/* Where messages of this session go while user code runs: see tell_nobody(). */
static CommandDest client = DestNone;

/* Whose code this session has run. */
static Oid	session_owner = InvalidOid;
static bool session_is_clean = true;	/* nobody's */
static SubTransactionId reset_in = InvalidSubTransactionId; /* not yet committed */

void
pgdf_user_code_run(UserCode *code)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner resource_owner = CurrentResourceOwner;
	Oid			userid;
	int			sec_context;
	int			guc_level;
	bool		timed_out;

	GetUserIdAndSecContext(&userid, &sec_context);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(caller);
	guc_level = NewGUCNestLevel();
	code->result = NULL;
	code->error = NULL;

	pgdf_failure_forget_raised();
	PG_TRY();
	{
		Oid			function = prologue(code);

		code->end = USER_CODE_CHANGED;
		if (OidIsValid(function))
		{
			error_context_stack = NULL; /* whoever called the engine is none of its business */
			tell_nobody();
			if (code->budget_ms > 0)
				pgdf_runaway_arm(code->budget_ms);
			code->result = pgdf_invoke(function, code->input);
			if (!code->is_read_only)
				epilogue(code);
			code->end = USER_CODE_RETURNED;
		}
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		code->error = CopyErrorData();
		code->error->output_to_client = client == DestRemote;	/* if the engine raises it again */
		FlushErrorState();
		code->end = USER_CODE_RAISED;
	}
	PG_END_TRY();

	tell_client();
	timed_out = pgdf_runaway_disarm();
	if (timed_out)
		code->end = USER_CODE_TIMED_OUT;
	code->has_written = TransactionIdIsValid(GetCurrentTransactionIdIfAny());

	if (code->is_read_only || code->end != USER_CODE_RETURNED)
		RollbackAndReleaseCurrentSubTransaction();
	else
	{
		AtEOXact_GUC(false, guc_level); /* its settings go, its rows stay */
		SetUserIdAndSecContext(userid, sec_context);
		ReleaseCurrentSubTransaction();
	}
	DropAllPreparedStatements();	/* a replay would meet those of the turn before */
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = resource_owner;
}

/*
 * What user code says (RAISE, at whatever level) is for the server's log, if that
 * takes it.  The session is the engine's: its client would have to hold a message
 * of any size, and take for the server's own what somebody made up.
 */
static void
tell_nobody(void)
{
	client = whereToSendOutput;
	whereToSendOutput = DestNone;
}

static void
tell_client(void)
{
	if (client != DestNone)
		whereToSendOutput = client;
	client = DestNone;
}

void
pgdf_user_code_tell(int sqlstate, const char *message)
{
	CommandDest muted = whereToSendOutput;

	PG_TRY();
	{
		whereToSendOutput = client;
		/* at this level it reaches the client whatever the settings are, and by default no log */
		ereport(INFO, (errcode(sqlstate), errmsg_internal("%s", message)));
	}
	PG_FINALLY();
	{
		whereToSendOutput = muted;
	}
	PG_END_TRY();
}

/*
 * A rollback does not undo everything: session locks, prepared statements,
 * sequence state and temporary tables would reach the next owner's code.
 */
void
pgdf_session_reset(Oid next_owner)
{
	if (session_owner == next_owner)
		return;
	watch_transactions();
	reset_in = GetCurrentSubTransactionId();
	if (!session_is_clean)
	{
		forget_plans();
		/* session locks only: this call holds locks of its own until its transaction ends */
		LockReleaseSession(USER_LOCKMETHOD);
		DropAllPreparedStatements();
		ResetSequenceCaches();
		ResetTempTableNamespace();
		Async_UnlistenAll();
	}
	session_owner = next_owner;
	session_is_clean = false;
}

/*
 * Plans that PL/pgSQL keeps have inlined functions in them, and results of
 * immutable ones, which the last owner was allowed to call.  Those that name any
 * function that is not the server's own are made anew; of the engine's statements
 * these are few.
 */
static void
forget_plans(void)
{
	CallSyscacheCallbacks(PROCOID, 0);
}

void
pgdf_session_lend(void)
{
	forget_plans();
	session_owner = InvalidOid;
	session_is_clean = false;
}

/* Temporary tables that the reset has dropped come back when it is rolled back. */
static void
on_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT && reset_in != InvalidSubTransactionId)
		session_owner = InvalidOid;
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE)
		reset_in = InvalidSubTransactionId;
}

static void
on_subtransaction_end(SubXactEvent event, SubTransactionId subid, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB && reset_in != InvalidSubTransactionId && subid <= reset_in)
	{
		session_owner = InvalidOid;
		reset_in = InvalidSubTransactionId;
	}
}

static void
watch_transactions(void)
{
	static bool is_watching = false;

	if (is_watching)
		return;
	RegisterXactCallback(on_transaction_end, NULL);
	RegisterSubXactCallback(on_subtransaction_end, NULL);
	is_watching = true;
}

static void
set_local(const char *name, const char *value)
{
	const char *current = GetConfigOption(name, true, false);

	if (current == NULL || strcmp(current, value) != 0)
		(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
}

/*
 * In the subtransaction: its rollback takes all of this back.  Returns the
 * function to call; InvalidOid when the code is not what the instance began with.
 */
static Oid
prologue(UserCode *code)
{
	Oid			function = pgdf_registry_resolve(code->registration, code->owner);

	if (code->is_pinned && pgdf_pin_applies(function))
	{
		code->current_hash = pgdf_registry_current_hash(code->registration);
		if (OidIsValid(code->clone))
			function = code->clone;
		else if (code->code_hash != NULL && strcmp(code->code_hash, code->current_hash) != 0)
			return InvalidOid;
	}
	for (int i = 0; i < lengthof(fixed_settings); i++)
		set_local(fixed_settings[i][0], fixed_settings[i][1]);
	set_local("search_path", code->registration->search_path);
	if (code->is_inline)
		set_local("lock_timeout", INLINE_LOCK_TIMEOUT);

	pgdf_running_mark(code->instance_key);
	SetUserIdAndSecContext(code->owner, SECURITY_LOCAL_USERID_CHANGE);
	if (code->is_read_only)
		XactReadOnly = true;
	return function;
}

/*
 * In this order: a deferred trigger may itself open a cursor WITH HOLD.  What has
 * written nothing has deferred nothing; and the setting stays in force for
 * whatever runs after it in this transaction.
 *
 * A deferred trigger may also say SET CONSTRAINTS ALL DEFERRED and queue another,
 * which would run at the commit, as the worker.  So what the first round leaves
 * is run in a second one, where it is an error to put anything off.
 */
static void
epilogue(const UserCode *code)
{
	if (TransactionIdIsValid(GetCurrentTransactionIdIfAny()))
	{
		run_deferred();
		SetUserIdAndSecContext(code->owner,
							   SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
		run_deferred();
	}
	PortalHashTableDeleteAll();
}

static void
run_deferred(void)
{
	ConstraintsSetStmt *all_immediate = makeNode(ConstraintsSetStmt);

	all_immediate->constraints = NIL;
	all_immediate->deferred = false;
	AfterTriggerSetState(all_immediate);
}
