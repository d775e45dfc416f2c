# pgdf suspend, resume, raise-event and rewind.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main');
my $worker = start_worker($node);

$node->safe_psql('postgres', <<'SQL', connstr => $node->connstr('postgres') . ' user=regress_user');
CREATE TABLE tools (name text);
CREATE FUNCTION use_tool() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    tool text;
BEGIN
    SELECT name INTO STRICT tool FROM tools;
    RETURN tool;
END $$;
CREATE FUNCTION approval() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_wait_event('approved'); END $$;
CREATE FUNCTION job() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('UseTool'); END $$;
SELECT df_register_orchestrator('Approval', 'approval'), df_register_orchestrator('Job', 'job'),
       df_register_activity('UseTool', 'use_tool');
SQL

# suspend and resume
cli($node, [ 'start', 'Approval', '--id', 'a' ]);
wait_for_status($node, 'a', 'Running');
says(['suspend', 'a', '--reason', 'lunch'], 0, qr/^suspending instance "a"$/);
wait_for_status($node, 'a', 'Suspended');
says(['suspend', 'a'], 0, qr/^pgdf: instance "a" is suspended or has ended: nothing to do$/);
says(['resume', 'a', '--json'], 0, qr/"resumed": true/);
wait_for_status($node, 'a', 'Running');
says(['resume', 'a'], 0, qr/is not suspended: nothing to do/);

# raise-event
says(['raise-event', 'a', 'approved', 'yes'], 2, qr/input is not valid JSON: yes/);
says(['raise-event', 'a'], 2, qr/"pgdf raise-event" takes ID EVENT \[PAYLOAD\]/);
says(['raise-event', 'a', 'other', '--event-id', 'e1'], 0, qr/^raised an event for instance "a"$/);
says(['raise-event', 'a', 'other', '--event-id', 'e1'], 0, qr/has had an event of this id: nothing to do/);
says(['raise-event', 'a', 'approved', '--string', 'yes'], 0, qr/^raised/);
is((cli($node, [ 'wait', 'a' ]))[1], "\"yes\"\n", 'the event arrives');

# rewind
says(['run', 'Job', '--id', 'b'], 3, qr/instance "b" failed: /);
$node->safe_psql('postgres', q(INSERT INTO tools VALUES ('hammer')));
says(['rewind', 'b'], 0, qr/^rewinding instance "b"$/);
wait_for_status($node, 'b', 'Completed');
is((cli($node, [ 'wait', 'b' ]))[1], "\"hammer\"\n", 'it goes on from the failure');
says(['rewind', 'b'], 0, qr/has not failed: nothing to do/);

says([ @{$_} ], 5, qr/instance "nobody" does not exist/)
  foreach ([ 'suspend', 'nobody' ], [ 'resume', 'nobody' ], [ 'rewind', 'nobody' ], [ 'raise-event', 'nobody', 'x' ]);

$worker->term;
done_testing();

# Exit code, and what is on stdout and stderr.
sub says
{
	my ($args, $code, $pattern) = @_;
	my ($exit, $out, $err) = cli($node, $args);

	is($exit, $code, "pgdf @{$args}: exit code $code") or diag($err);
	return like($out . $err, $pattern, "pgdf @{$args}: message");
}
