# Waiting shows a bar on a terminal and plain lines elsewhere; Ctrl-C stops the waiting, never the instance.

use strict;
use warnings;

use IO::Pty;
use Pgdf::Process;
use Pgdf::Test;

my $node = new_node('main');
my $log = $PostgreSQL::Test::Utils::log_path;

$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGDATABASE} = 'postgres';

$node->safe_psql('postgres', <<'SQL', connstr => $node->connstr('postgres') . ' user=regress_user');
CREATE FUNCTION nap(seconds float8) RETURNS void LANGUAGE sql AS 'SELECT pg_sleep(seconds)';
CREATE FUNCTION naps(seconds float8) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    tasks df_task[] := ARRAY(SELECT df_activity('Nap', to_jsonb(seconds)) FROM generate_series(1, 8));
BEGIN
    PERFORM df_when_all(tasks);
    RETURN 8;
END $$;
SELECT df_register_activity('Nap', 'nap'), df_register_orchestrator('Naps', 'naps');
SQL

# nobody is there to do it
my $early = client('early', 'run', 'Naps', '0.01');

$early->wait_log(qr/^pgdf: instance "\w+" has not begun: no worker is connected to this database\npgdf: hint: .*pgdf worker$/m);

my $worker = start_worker($node);

is($early->wait_exit, 0, 'it goes on when a worker comes');

# a terminal
my ($exit, $screen) = on_terminal({}, 'run', 'Naps', '0.2');

is($exit, 0, 'run on a terminal succeeds');
like($screen, qr/\r\e\[K(Pending|Running)  /, 'the line is redrawn in place');
like($screen, qr/\r\e\[KCompleted  \[\e\[32m#+\e\[0m\] 100%  8\/8 tasks  .*  0:\d\d\r\n8\r\n$/,
	'at the end a full bar with counts and time, then the output');
cmp_ok(length((sort { length($b) <=> length($a) } map { s/\e\[[0-9;]*[mK]//gr } split(/[\r\n]+/, $screen))[0]),
	'<', 80, 'no line is as wide as the terminal');
unlike((on_terminal({ NO_COLOR => '1' }, 'run', 'Naps', '0.1'))[1], qr/\e\[\d*m/, 'NO_COLOR: no colors');
unlike((on_terminal({ TERM => 'dumb' }, 'run', 'Naps', '0.1'))[1], qr/\e/, 'TERM=dumb: no escapes');
unlike((on_terminal({}, 'run', 'Naps', '0.1', '--quiet'))[1], qr/tasks/, '--quiet: no progress');

# elsewhere
my ($code, $out, $err) = cli($node, [ 'run', 'Naps', '0.01' ]);

is("$code $out$err", "0 8\n", 'no terminal, and quick: nothing but the output');

# Ctrl-C
my $cli = client('interrupted', 'run', 'Naps', '600', '--id', "it's");

wait_for_event($node, "it's", 'TaskScheduled', count => 8);
$node->safe_psql('postgres', "UPDATE df.instance_state SET blocked_reason = 'of this' WHERE instance_id = 'it''s'");
ok($cli->wait_log(qr/^pgdf: instance "it's" is blocked: of this$/m), 'it says what blocks it');
$cli->signal('INT');
is($cli->wait_exit, 130, 'Ctrl-C: exit code 130');
like($cli->log, qr/^pgdf: hint: Wait again with: pgdf wait 'it'\\''s'$/m, 'Ctrl-C: says how to go on');
is(df_status($node, "it's"), 'Running', 'Ctrl-C: the instance goes on');

$worker->kill9;
done_testing();

# A client that runs beside the test.
sub client
{
	my ($name, @args) = @_;

	return Pgdf::Process->start(
		argv => [ $ENV{PGDF}, @args ],
		log => "$log/$name.log",
		env => { PGUSER => 'regress_user' });
}

# Run it with a terminal of 80 columns as its stdout and stderr; (exit code, what was written).
sub on_terminal
{
	my ($env, @args) = @_;
	my $pty = IO::Pty->new;
	my $terminal = $pty->slave;
	my $text = '';
	my $pid = fork() // die "could not fork: $!";

	if ($pid == 0)
	{
		%ENV = (%ENV, TERM => 'xterm', PGUSER => 'regress_user', %{$env});
		$pty->make_slave_controlling_terminal;
		open(STDOUT, '>&', $terminal) or POSIX::_exit(126);
		open(STDERR, '>&', $terminal) or POSIX::_exit(126);
		exec { $ENV{PGDF} } 'pgdf', @args or POSIX::_exit(127);
	}
	close($terminal);
	# the end of a terminal's last writer is an error (EIO), not an end of file
	while (sysread($pty, my $part, 4096)) { $text .= $part; }
	waitpid($pid, 0);
	return ($? >> 8, $text);
}
