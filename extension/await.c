/*
 * await.c
 *		What a suspended orchestrator waits for.  Pure logic on memory.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "await.h"
#include "compat.h"

/* First word of the stored form: raised when the layout changes. */
#define AWAIT_FORMAT	1

typedef struct StoredHeader
{
	int32		format;
	int32		nnodes;
	int32		nranges;
	int32		nwaiters;
	int32		names_size;		/* bytes of waiters: task, then name with its final NUL */
} StoredHeader;

static void raise_not_valid(void) pg_attribute_noreturn();
static Size waiters_size(const AwaitTree *tree);
static void load_waiters(AwaitTree *tree, int nwaiters, const char *p, Size size);
static bool is_open(const AwaitTree *tree, int32 task);
static void node_member_done(AwaitTree *tree, int n, bool is_failure);
static bool node_has_task(const AwaitTree *tree, const AwaitNode *node, int32 task);
static int	compare_tasks(const void *a, const void *b);

AwaitTree *
pgdf_await_create(void)
{
	return palloc0(sizeof(AwaitTree));
}

int
pgdf_await_add_node(AwaitTree *tree, AwaitKind kind, int parent, int remaining)
{
	int			n = tree->nnodes++;

	if (n == 0)
	{
		tree->nodes = palloc(sizeof(AwaitNode));
		tree->remaining = palloc(sizeof(int32));
	}
	else
	{
		tree->nodes = repalloc(tree->nodes, tree->nnodes * sizeof(AwaitNode));
		tree->remaining = repalloc(tree->remaining, tree->nnodes * sizeof(int32));
	}
	tree->nodes[n].kind = kind;
	tree->nodes[n].parent = parent;
	tree->nodes[n].first_range = tree->nranges;
	tree->nodes[n].nranges = 0;
	tree->remaining[n] = remaining;
	return n;
}

void
pgdf_await_set_tasks(AwaitTree *tree, int32 *tasks, int ntasks)
{
	AwaitNode  *node = &tree->nodes[tree->nnodes - 1];
	int			first = tree->nranges;
	int			nranges = 0;
	AwaitRange *ranges;

	if (ntasks == 0)
		return;
	qsort(tasks, ntasks, sizeof(int32), compare_tasks);

	ranges = palloc_extended((Size) ntasks * sizeof(AwaitRange), MCXT_ALLOC_HUGE);
	for (int i = 0; i < ntasks; i++)
	{
		if (nranges > 0 && tasks[i] <= ranges[nranges - 1].last + 1)
			ranges[nranges - 1].last = tasks[i];
		else
		{
			ranges[nranges].first = ranges[nranges].last = tasks[i];
			nranges++;
		}
	}

	tree->nranges += nranges;
	tree->ranges = first == 0 ? palloc_extended((Size) nranges * sizeof(AwaitRange), MCXT_ALLOC_HUGE)
		: repalloc_huge(tree->ranges, (Size) tree->nranges * sizeof(AwaitRange));
	memcpy(tree->ranges + first, ranges, (Size) nranges * sizeof(AwaitRange));
	pfree(ranges);
	node->nranges = nranges;
}

void
pgdf_await_add_waiter(AwaitTree *tree, int32 task, const char *name)
{
	int			place = tree->nwaiters;

	while (place > 0 && tree->waiters[place - 1].task > task)
		place--;
	if (place > 0 && tree->waiters[place - 1].task == task)
		return;					/* a member of another combination too */

	tree->nwaiters++;
	tree->waiters = tree->waiters == NULL ? palloc(sizeof(AwaitWaiter)) :
		repalloc(tree->waiters, tree->nwaiters * sizeof(AwaitWaiter));
	memmove(&tree->waiters[place + 1], &tree->waiters[place],
			(tree->nwaiters - 1 - place) * sizeof(AwaitWaiter));
	tree->waiters[place].task = task;
	tree->waiters[place].name = pstrdup(name);
}

int32
pgdf_await_take_waiter(AwaitTree *tree, const char *name)
{
	for (int i = 0; i < tree->nwaiters; i++)
	{
		int32		task = tree->waiters[i].task;

		if (!is_open(tree, task) || pg_strcasecmp(tree->waiters[i].name, name) != 0)
			continue;
		tree->nwaiters--;
		memmove(&tree->waiters[i], &tree->waiters[i + 1],
				(tree->nwaiters - i) * sizeof(AwaitWaiter));
		return task;
	}
	return 0;
}

const char *
pgdf_await_waiter_name(const AwaitTree *tree, int32 task)
{
	for (int i = 0; i < tree->nwaiters; i++)
	{
		if (tree->waiters[i].task == task)
			return tree->waiters[i].name;
	}
	return NULL;
}

void
pgdf_await_deliver(AwaitTree *tree, int32 task, bool is_failure)
{
	for (int n = 0; n < tree->nnodes; n++)
	{
		if (tree->remaining[n] > 0 && node_has_task(tree, &tree->nodes[n], task))
			node_member_done(tree, n, is_failure);
	}
}

bool
pgdf_await_is_satisfied(const AwaitTree *tree)
{
	return tree->nnodes == 0 || tree->remaining[0] <= 0;
}

bytea *
pgdf_await_serialize(const AwaitTree *tree)
{
	StoredHeader header = {AWAIT_FORMAT, tree->nnodes, tree->nranges, tree->nwaiters,
	waiters_size(tree)};
	Size		nodes_size = tree->nnodes * sizeof(AwaitNode);
	Size		ranges_size = tree->nranges * sizeof(AwaitRange);
	Size		size = VARHDRSZ + sizeof(header) + nodes_size + ranges_size + header.names_size;
	bytea	   *stored = palloc(size);
	char	   *p = VARDATA(stored);

	SET_VARSIZE(stored, size);
	memcpy(p, &header, sizeof(header));
	p += sizeof(header);
	memcpy(p, tree->nodes, nodes_size);
	p += nodes_size;
	if (ranges_size > 0)
		memcpy(p, tree->ranges, ranges_size);
	p += ranges_size;
	for (int i = 0; i < tree->nwaiters; i++)
	{
		Size		length = strlen(tree->waiters[i].name) + 1;

		memcpy(p, &tree->waiters[i].task, sizeof(int32));
		memcpy(p + sizeof(int32), tree->waiters[i].name, length);
		p += sizeof(int32) + length;
	}
	return stored;
}

AwaitTree *
pgdf_await_deserialize(bytea *awaited, const int32 *remaining, int nremaining)
{
	AwaitTree  *tree = pgdf_await_create();
	const char *p = VARDATA_ANY(awaited);
	Size		size = VARSIZE_ANY_EXHDR(awaited);
	StoredHeader header = {0};
	Size		nodes_size;
	Size		ranges_size;

	if (size >= sizeof(header))
		memcpy(&header, p, sizeof(header));
	nodes_size = (Size) header.nnodes * sizeof(AwaitNode);
	ranges_size = (Size) header.nranges * sizeof(AwaitRange);
	if (header.format != AWAIT_FORMAT || header.nnodes <= 0 || header.nranges < 0 ||
		header.nwaiters < 0 || header.names_size < 0 || header.nnodes != nremaining ||
		size != sizeof(header) + nodes_size + ranges_size + (Size) header.names_size)
		raise_not_valid();

	p += sizeof(header);
	tree->nnodes = header.nnodes;
	tree->nranges = header.nranges;
	tree->nodes = palloc(nodes_size);
	memcpy(tree->nodes, p, nodes_size);
	if (ranges_size > 0)
	{
		tree->ranges = palloc(ranges_size);
		memcpy(tree->ranges, p + nodes_size, ranges_size);
	}
	load_waiters(tree, header.nwaiters, p + nodes_size + ranges_size, header.names_size);
	tree->remaining = palloc(nremaining * sizeof(int32));
	memcpy(tree->remaining, remaining, nremaining * sizeof(int32));
	return tree;
}

static void
raise_not_valid(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("stored awaited expression is not valid")));
}

static Size
waiters_size(const AwaitTree *tree)
{
	Size		size = 0;

	for (int i = 0; i < tree->nwaiters; i++)
		size += sizeof(int32) + strlen(tree->waiters[i].name) + 1;
	return size;
}

static void
load_waiters(AwaitTree *tree, int nwaiters, const char *p, Size size)
{
	const char *end = p + size;

	for (int i = 0; i < nwaiters; i++)
	{
		int32		task;
		const char *name = p + sizeof(int32);

		if (end - p <= (ptrdiff_t) sizeof(int32) || memchr(name, '\0', end - name) == NULL)
			raise_not_valid();
		memcpy(&task, p, sizeof(int32));
		pgdf_await_add_waiter(tree, task, name);
		p = name + strlen(name) + 1;
	}
}

/* Is it a member of a node that, with all above it, is not satisfied yet? */
static bool
is_open(const AwaitTree *tree, int32 task)
{
	for (int n = 0; n < tree->nnodes; n++)
	{
		int			up = n;

		if (!node_has_task(tree, &tree->nodes[n], task))
			continue;
		while (up >= 0 && tree->remaining[up] > 0)
			up = tree->nodes[up].parent;
		if (up < 0)
			return true;
	}
	return false;
}

/* A member of node n is done: lower its counter, and pass it up once it is satisfied. */
static void
node_member_done(AwaitTree *tree, int n, bool is_failure)
{
	while (n >= 0)
	{
		const AwaitNode *node = &tree->nodes[n];

		if (tree->remaining[n] <= 0)
			return;
		if (node->kind == AWAIT_ANY || (node->kind == AWAIT_ALL_FAIL_FAST && is_failure))
			tree->remaining[n] = 0;
		else
			tree->remaining[n]--;
		if (tree->remaining[n] > 0)
			return;
		n = node->parent;
	}
}

static bool
node_has_task(const AwaitTree *tree, const AwaitNode *node, int32 task)
{
	int			low = node->first_range;
	int			high = node->first_range + node->nranges - 1;

	while (low <= high)
	{
		int			middle = low + (high - low) / 2;
		const AwaitRange *range = &tree->ranges[middle];

		if (task < range->first)
			high = middle - 1;
		else if (task > range->last)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

static int
compare_tasks(const void *a, const void *b)
{
	int32		x = *(const int32 *) a;
	int32		y = *(const int32 *) b;

	return (x > y) - (x < y);
}
