# pgdf waits, tree, restart, purge by age, lint and deploy-check.

use strict;
use warnings;

use JSON::PP;
use Pgdf::Test;

my $node = new_node('main');
my $worker = start_worker($node, name => 'inspector');
my $time = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/;

sql(<<'SQL');
CREATE FUNCTION approval() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_wait_event('approved', '1 day'); END $$;
CREATE FUNCTION kin() RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    RETURN df_call_sub_orchestrator('Approval', NULL, df_input() ->> 'child');
END $$;
CREATE FUNCTION parrot() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_input(); END $$;
CREATE FUNCTION hasty() RETURNS float8 LANGUAGE plpgsql AS $$
BEGIN
    RETURN random();
END $$;
CREATE FUNCTION twin(n int) RETURNS int LANGUAGE sql AS 'SELECT n';
CREATE FUNCTION twin(n bigint) RETURNS bigint LANGUAGE sql AS 'SELECT n';
SELECT df_register_orchestrator('Approval', 'approval'), df_register_orchestrator('Family', 'kin'),
       df_register_orchestrator('Parrot', 'parrot');
SQL
cli($node, [ 'start', 'Family', '{"child": "c"}', '--id', 'p' ]);
wait_for(sub { return @{ json(0, 'waits') } == 3 }, 'parent and child to stand still');

# waits: the whole table, and one instance
says(['waits'], 0, qr/^INSTANCE ID +KIND +NAME +SINCE +DUE +SERVED +FUNCTION +LINE\np +sub-orchestration +Approval +$time +kin\(\) +3\nc +event/);
says(['waits', 'c'], 0, qr/^INSTANCE ID.*\nc +event +approved +$time +.*approval\(\) +1\nc +timer +$time +$time/);
is_deeply(
	[ map { "$_->{instanceId} $_->{taskId} $_->{kind}" } @{ json(0, 'waits', 'p') } ],
	['p 1 sub-orchestration'],
	'waits --json');
is_deeply([ sort keys %{ json(0, 'waits', 'p')->[0] } ],
	[ qw(due function instanceId kind line name progress served since taskId) ], 'its members');
is((cli($node, ['waits'], user => 'regress_other'))[1] =~ tr/\n//, 1, "nobody sees what others' instances wait for");

# tree: the same from every member
says([ 'tree', $_ ], 0, qr/^INSTANCE ID +NAME +RUNTIME STATUS\np +Family +Running\n  c +Approval +Running\n$/) foreach qw(p c);
is_deeply(
	json(0, 'tree', 'c'),
	[
		{ depth => 0, instanceId => 'p', parentInstanceId => undef, name => 'Family', runtimeStatus => 'Running' },
		{ depth => 1, instanceId => 'c', parentInstanceId => 'p', name => 'Approval', runtimeStatus => 'Running' }
	],
	'tree --json');

# deploy-check: the new body does not match, the old one does
says(['deploy-check', 'approval'], 0, qr/^pgdf: every live instance matches function "approval"$/);
is_deeply(json(0, 'deploy-check', 'approval'), [], 'deploy-check --json without a finding');
sql(q(CREATE OR REPLACE FUNCTION approval() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('ask'); END $$));
says(['deploy-check', 'approval()'], 7, qr/^INSTANCE ID +EVENT ID +EXPECTED +ACTUAL +LINE\nc +a wait for an event \(task 1\) +activity "ask" \(task 1\) +1\n$/);
is(json(7, 'deploy-check', 'approval')->[0]{instanceId}, 'c', 'deploy-check --json');
says(['deploy-check', 'hasty'], 1, qr/not registered as an orchestrator \(SQLSTATE 42704\)/);

# lint
says(['lint', 'hasty'], 7, qr/^LINE +PROBLEM +HINT\n +3 +draws a random number +Use df_random/);
is(json(7, 'lint', 'hasty')->[0]{line}, 3, 'lint --json');
says(['lint', 'public.parrot'], 0, qr/^pgdf: nothing found in function "public.parrot"$/);
says(['lint', 'twin'], 1, qr/\(SQLSTATE 42725\)/);
says(['lint', 'twin(bigint)'], 0, qr/nothing found/);
says(['lint', 'nosuch'], 1, qr/\(SQLSTATE 42883\)/);

# restart
cli($node, [ 'run', 'Parrot', '"hello"', '--id', 'a', '--tag', 'n=1' ]);
my ($code, $new) = cli($node, [ 'restart', 'a' ]);

chomp($new);
is($code, 0, 'restart');
isnt($new, 'a', 'under a new id');
is((cli($node, [ 'wait', $new ]))[1], "\"hello\"\n", 'with the same input');
is(scalar @{ json(0, 'list', '--tag', 'n=1') }, 2, 'and the same tags');
says(['restart', 'a', '--same-id'], 0, qr/^a\n$/);
says(['wait', 'a'], 0, qr/^"hello"$/);
is_deeply(json(0, 'restart', 'a', '--id', 'b'), { instanceId => 'b' }, 'restart --json, under a given id');
says(['wait', 'b'], 0, qr/^"hello"$/);
says(['restart', 'p', '--same-id'], 1, qr/\(SQLSTATE 55000\)/);
says(['restart', 'a', '--same-id', '--id', 'x'], 2, qr/--id and --same-id are given/);

# an orchestrator that is gone is not an instance that is unknown
sql(q(SELECT df_unregister('Parrot')));
says(['restart', 'a'], 1, qr/orchestrator "Parrot" .*\(SQLSTATE 42704\)/);

# purge by age
is_deeply(
	[ map { $_->{instanceId} } @{ json(0, 'purge', '--older-than', '0', '--dry-run') } ],
	[ $new, 'a', 'b' ],
	'purge --dry-run: what has ended, oldest first');
says(['purge', '--older-than', '0', '--dry-run'], 0, qr/^pgdf: 3 to purge \(dry run: nothing was done\)$/m);
says(['purge', '--older-than', '1 day'], 0, qr/^purged 0 instances$/);
says(['purge', '--older-than', '0', '--status', 'failed', '--status', 'Terminated'], 0, qr/^purged 0 instances$/);
says(['purge', '--older-than', '0', '--limit', '1'], 0, qr/^purged 1 instance$/);
is_deeply(json(0, 'purge', '--older-than', '0', '--status', 'Completed'), { instancesDeleted => 2 }, 'purge --json');
is(scalar @{ json(0, 'list') }, 2, 'what is live stays');
says([ 'purge', @{ $_->[0] } ], 2, $_->[1])
  foreach (
	[ [], qr/no instance is given/ ],
	[ [ '--status', 'Failed' ], qr/no instance is given/ ],
	[ [ 'a', '--older-than', '0' ], qr/an instance and a filter are given/ ],
	[ [ '--older-than', '0', '--status', 'Running' ], qr/status "Running" is not final/ ]);

says([ $_, 'nobody' ], 5, qr/instance "nobody" does not exist/) foreach qw(waits tree restart);
is((cli($node, [ $_, 'p' ], user => 'regress_other'))[0], 5, "$_ of another's instance") foreach qw(waits tree restart);

$worker->term;
done_testing();

sub sql
{
	my ($text) = @_;

	return $node->safe_psql('postgres', $text, connstr => $node->connstr('postgres') . ' user=regress_user');
}

# Exit code, and what is on stdout and stderr.
sub says
{
	my ($args, $expected, $pattern) = @_;
	my ($exit, $out, $err) = cli($node, $args);

	is($exit, $expected, "pgdf @{$args}: exit code $expected") or diag($err);
	return like($out . $err, $pattern, "pgdf @{$args}: output");
}

sub json
{
	my ($expected, @args) = @_;
	my ($exit, $out, $err) = cli($node, [ @args, '--json' ]);

	return decode_json($out) if $exit == $expected;
	diag("exit code $exit: $err");
	return [];
}
