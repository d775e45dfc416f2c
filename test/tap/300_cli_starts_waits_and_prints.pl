# pgdf start, run, wait and status: what goes to standard output, and what goes in as input.

use strict;
use warnings;

use JSON::PP;
use Pgdf::Test;

my $node = new_node('main');
my $worker = start_worker($node);

$node->safe_psql('postgres', <<'SQL', connstr => $node->connstr('postgres') . ' user=regress_user');
CREATE FUNCTION echo(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN input; END $$;
SELECT df_register_orchestrator('Echo', 'echo');
SQL

# input
is_cli(['run', 'Echo', '{"b": 1, "a": [true, null]}'], "{\"a\": [true, null], \"b\": 1}\n", 'run prints the output, bare');
is_cli(['run', 'echo'], "null\n", 'no input is JSON null');
is_cli(['run', 'Echo', '--string', "a \"b\"\n\xc3\xa9"], qr/^"a \\"b\\"\\n/, '--string is a JSON string');
is_cli(['run', 'Echo', '--', '-5'], "-5\n", 'a negative number after --');
is_cli(['run', 'Echo', '--input-file', '-'], "[1, 2]\n", 'input from standard input', stdin => "[1,\n2]\n");

my $file = write_file(temp_dir() . '/input.json', '1.50');

is_cli(['run', 'Echo', '--input-file', $file], "1.50\n", 'input from a file; digits are kept');

# start and wait
my ($code, $id) = cli($node, [ 'start', 'Echo', '"x"' ]);

is($code, 0, 'start succeeds');
like($id, qr/^[0-9a-f]{32}\n$/, 'start prints a generated id');
chomp $id;
is_cli(['wait', $id], "\"x\"\n", 'wait prints the output');
is_cli(['start', 'Echo', '"y"', '--id', 'my id', '--wait'], "my id\n", 'start --wait prints the id');
is_cli(['start', 'Echo', '--id', 'my id', '--if-exists', 'ignore'], "my id\n", '--if-exists ignore');
is_cli(['wait', 'my id'], "\"y\"\n", 'the instance that existed was kept');

my $started = json(['start', 'Echo', '--json']);

is_deeply([ keys %{$started} ], ['instanceId'], 'start --json');

# status
my $text = (cli($node, [ 'status', 'my id', '--json' ]))[1];
my $status = decode_json($text);

is(join(' ', $text =~ /^  "(\w+)"/mg),
	'name instanceId runtimeStatus input customStatus output createdTime lastUpdatedTime completedTime '
	  . 'failureDetails progress blockedReason',
	'status --json has its members in the order of the HTTP API');
is_deeply(
	[ @{$status}{qw(name instanceId runtimeStatus input output failureDetails)} ],
	[ 'Echo', 'my id', 'Completed', 'y', 'y', undef ],
	'status --json');
like($status->{createdTime}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'times are ISO 8601, UTC');
is_deeply($status->{progress}, { tasksTotal => 0, tasksCompleted => 0 }, 'progress');
is(json(['run', 'Echo', '7', '--json'])->{output}, 7, 'run --json prints the status');
is(json(['wait', 'my id', '--json'])->{output}, 'y', 'wait --json prints the status');
is_cli(['status', 'my id'], qr/^Instance id +my id\n.*^Runtime status +Completed\n/ms, 'status for people');

# history, and the options of start
is_cli(['history', 'my id'], qr/^EXECUTION +EVENT ID .*ExecutionStarted.*ExecutionCompleted/s, 'history');
is(json(['history', 'my id', '--json'])->[-1]{eventType}, 'ExecutionCompleted', 'history --json');
is_cli(['start', 'Echo', '--id', 'later', '--at', '2999-01-01 00:00 UTC', '--priority', '7', '--queue', 'q', '--tag', 'a=1',
		'--tag', 'b==2'], "later\n", 'start with every option');
is_deeply(
	[ map { @{$_}{qw(runtimeStatus scheduledStartTime priority queue tags)} } @{ json(['list', '--tag', 'a=1', '--json']) } ],
	[ 'Pending', '2999-01-01T00:00:00Z', 7, 'q', { a => '1', b => '=2' } ],
	'they arrive');

$worker->term;
done_testing();

# Run it; stdout is (or matches) this, the exit code is 0.
sub is_cli
{
	my ($args, $expected, $name, %opts) = @_;
	my ($exit, $out, $err) = cli($node, $args, %opts);

	is($exit, 0, "$name: exit code") or diag($err);
	return ref $expected ? like($out, $expected, $name) : is($out, $expected, $name);
}

sub json
{
	my ($args) = @_;
	my ($exit, $out, $err) = cli($node, $args);

	return decode_json($out) if $exit == 0;
	diag($err);
	return {};
}
