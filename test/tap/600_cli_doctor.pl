# pgdf doctor: silent and 0 when nothing is wrong, 7 and a table when something is.

use strict;
use warnings;

use JSON::PP;
use Pgdf::Test;

my $node = new_node('main');
my $worker = start_worker($node);

$node->safe_psql('postgres', q{
	CREATE FUNCTION waits() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_wait_event('go'); END $$;
	SELECT df_register_orchestrator('waits');
}, connstr => $node->connstr('postgres') . ' user=regress_user');
df_start($node, 'waits', undef, id => $_, user => 'regress_user') foreach qw(a b);
df_start($node, 'waits', undef, id => 'c', user => 'regress_other');
wait_for(sub { $node->safe_psql('postgres', 'SELECT count(*) FROM df_waits()') == 3 }, 'instances to wait');

says(['doctor'], 0, qr/^pgdf: nothing is wrong \(--full also reads all of history\)$/);
says(['doctor', '--full'], 0, qr/^pgdf: nothing is wrong$/);
is_deeply(json(0), [], '--json without a finding');

# of two owners, in two transactions
$node->safe_psql('postgres', q{UPDATE df.history SET name = 'stop' WHERE event_type = 0});
$node->safe_psql('postgres', q{
	INSERT INTO df.history (instance_key, execution, event_id, event_type, task_id, event_time, name)
	SELECT instance_key, execution, next_event_id, 10, 1, now(), NULL FROM df.instance_state WHERE instance_id IN ('a', 'c');
	UPDATE df.instance_state SET next_event_id = next_event_id + 1 WHERE instance_id IN ('a', 'c');
});
says(['doctor'], 0, qr/nothing is wrong/);
is_deeply([ map { "$_->{finding} $_->{instanceId}" } @{ json(7, '--full') } ], [ 'I10 a', 'I10 c' ], 'the replays of all owners');
is_deeply([ sort keys %{ json(7, '--full')->[0] } ], [qw(detail finding instanceId severity taskId)], 'the members of --json');

$node->safe_psql('postgres', q{UPDATE df.instance_state SET awaited = NULL, await_remaining = NULL WHERE instance_id = 'b'});
says(['doctor'], 7, qr/^SEVERITY +FINDING +INSTANCE ID +TASK ID +DETAIL\nviolation +I6 +b +nothing will wake it/);
is((cli($node, ['doctor'], user => 'regress_user'))[0], 1, 'others may not ask');

$worker->term;
done_testing();

sub says
{
	my ($args, $expected, $pattern) = @_;
	my ($exit, $out, $err) = cli($node, $args, user => 'postgres');

	is($exit, $expected, "pgdf @{$args}: exit code $expected") or diag($err);
	return like($out . $err, $pattern, "pgdf @{$args}: output");
}

sub json
{
	my ($expected, @args) = @_;
	my ($exit, $out, $err) = cli($node, [ 'doctor', @args, '--json' ], user => 'postgres');

	return decode_json($out) if $exit == $expected;
	diag("exit code $exit: $err$out");
	return [];
}
