/*
 * await.c
 *		What a suspended orchestrator waits for.  Pure logic on memory.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
#include "postgres.h"

#include "await.h"

/* First word of the stored form: raised when the layout changes. */
#define AWAIT_FORMAT	1

typedef struct StoredHeader
{
	int32		format;
	int32		nnodes;
	int32		nranges;
} StoredHeader;

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
	StoredHeader header = {AWAIT_FORMAT, tree->nnodes, tree->nranges};
	Size		nodes_size = tree->nnodes * sizeof(AwaitNode);
	Size		ranges_size = tree->nranges * sizeof(AwaitRange);
	Size		size = VARHDRSZ + sizeof(header) + nodes_size + ranges_size;
	bytea	   *stored = palloc(size);
	char	   *p = VARDATA(stored);

	SET_VARSIZE(stored, size);
	memcpy(p, &header, sizeof(header));
	memcpy(p + sizeof(header), tree->nodes, nodes_size);
	if (ranges_size > 0)
		memcpy(p + sizeof(header) + nodes_size, tree->ranges, ranges_size);
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
		header.nnodes != nremaining ||
		size != sizeof(header) + nodes_size + ranges_size)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("stored awaited expression is not valid")));

	tree->nnodes = header.nnodes;
	tree->nranges = header.nranges;
	tree->nodes = palloc(nodes_size);
	memcpy(tree->nodes, p + sizeof(header), nodes_size);
	if (ranges_size > 0)
	{
		tree->ranges = palloc(ranges_size);
		memcpy(tree->ranges, p + sizeof(header) + nodes_size, ranges_size);
	}
	tree->remaining = palloc(nremaining * sizeof(int32));
	memcpy(tree->remaining, remaining, nremaining * sizeof(int32));
	return tree;
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
