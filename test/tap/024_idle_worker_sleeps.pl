# An idle worker sleeps: it uses no processor time, and asks the database once in a while.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main');
my $worker = start_worker($node);

wait_for(sub {
	return $node->safe_psql('postgres',
		q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND objsubid = 7}) > 0;
}, 'the worker to be idle');

# it asks for the first time when it falls asleep, and again after five seconds
my $query = q{SELECT max(query_start) FROM pg_stat_activity WHERE query LIKE '%df.work%' AND pid <> pg_backend_pid()};
my $first = $node->safe_psql('postgres', $query);

wait_for(sub { return $node->safe_psql('postgres', $query) ne $first }, 'the worker to ask', 10);

my $second = $node->safe_psql('postgres', $query);
my $before = cpu_ticks();
my $switches = switches();

wait_for(sub { return $node->safe_psql('postgres', $query) ne $second }, 'the worker to ask again', 10);
cmp_ok($node->safe_psql('postgres', "SELECT extract(epoch FROM ($query) - '$second')"), '>', 4, 'it asks rarely');
cmp_ok(cpu_ticks() - $before, '<=', 5, 'it uses no processor time meanwhile');
cmp_ok(switches() - $switches, '<', 40, 'and is not woken');
is($worker->term, 0, 'the worker stops');

sub cpu_ticks
{
	my @fields = split(' ', slurp('/proc/' . $worker->pid . '/stat') =~ s/.*\) //r);

	return $fields[11] + $fields[12];
}

sub switches
{
	return slurp('/proc/' . $worker->pid . '/status') =~ /^voluntary_ctxt_switches:\s+(\d+)/m ? $1 : 0;
}

done_testing();
