# Every exit code of the client, and the message that goes with it.

use strict;
use warnings;

use Pgdf::Test;

my $node = new_node('main');
my $worker = start_worker($node);
my @stuck = ('start', 'Stuck', '--wait', '--timeout');

$node->safe_psql('postgres', <<'SQL', connstr => $node->connstr('postgres') . ' user=regress_user');
CREATE FUNCTION fine() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;
CREATE FUNCTION broken() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM df_fail('OutOfCheese', 'no cheese left'); END $$;
CREATE FUNCTION stuck() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('nobody_serves_this'); END $$;
SELECT df_register_orchestrator('Fine', 'fine'), df_register_orchestrator('Broken', 'broken'),
       df_register_orchestrator('Stuck', 'stuck');
SQL

# 0 and 3
exits(['run', 'Fine'], 0, qr/^$/);
exits(['run', 'Broken', '--id', 'broken'], 3, qr/^pgdf: error: instance "broken" failed: OutOfCheese: no cheese left$/m);
exits(['wait', 'broken'], 3, qr/OutOfCheese/);
exits(['status', 'broken'], 0, qr/^$/);

# 6, then 4
exits([ @stuck, '200ms', '--id', 'stuck' ], 6, qr/^pgdf: hint: The instance goes on; wait again with: pgdf wait stuck$/m);
is(df_status($node, 'stuck'), 'Running', 'a time-out leaves the instance alone');
exits(['terminate', 'stuck', '--reason', 'enough'], 0, qr/^$/);
exits(['wait', 'stuck'], 4, qr/^pgdf: error: instance "stuck" was terminated: .*enough/m);
exits(['terminate', 'stuck'], 0, qr/has ended already/);
exits(['terminate', 'stuck', '--dry-run'], 0, qr/has ended already/);

# 5
exits([ $_, 'nobody' ], 5, qr/^pgdf: error: instance "nobody" does not exist/m) foreach qw(status wait history terminate purge);
exits(['terminate', 'nobody', '--dry-run'], 5, qr/does not exist/);
exits(['status', 'broken'], 5, qr/does not exist/, user => 'regress_other');

# 1
exits(['run', 'Nosuch'], 1, qr/^pgdf: error: .*"Nosuch".* \(SQLSTATE 42704\)$/m);
exits(['start', 'Fine', '--at', 'never'], 1, qr/\(SQLSTATE 22007\)/);
cli($node, [ 'start', 'Stuck', '--id', 'live' ]);
exits(['purge', 'live'], 1, qr/\(SQLSTATE 55000\)/);
exits(['list', '-d', 'host=/nowhere'], 1, qr/^pgdf: error: connection to server .* failed/m);
exits(['list', '-d', 'dbname=template1'], 1,
	qr/^pgdf: error: extension "pgdf" does not exist in database "template1"\npgdf: hint: .*CREATE EXTENSION pgdf/m);

# 2: before connecting
foreach my $wrong (
	[ qr/unrecognized command "nosuch"/, 'nosuch' ],
	[ qr/too few arguments: "pgdf run" takes NAME \[INPUT\]/, 'run' ],
	[ qr/too many command-line arguments \(first is "c"\)/, 'run', 'a', 'b', 'c' ],
	[ qr/input is not valid JSON: \/var\/log\npgdf: hint: .*--string/, 'run', 'Fine', '/var/log' ],
	[ qr/input is given twice/, 'run', 'Fine', '1', '--string', 'x' ],
	[ qr/could not open file "\/nowhere"/, 'run', 'Fine', '--input-file', '/nowhere' ],
	[ qr/invalid value for option "--if-exists": "maybe"/, 'start', 'Fine', '--if-exists', 'maybe' ],
	[ qr/invalid value for option "--priority": "x" is not an integer/, 'start', 'Fine', '--priority', 'x' ],
	[ qr/invalid value for option "--timeout": "soon"/, 'wait', 'x', '--timeout', 'soon' ],
	[ qr/invalid tag "a"/, 'start', 'Fine', '--tag', 'a' ],
	[ qr/invalid status "pausd"/, 'list', '--status', 'Running,pausd' ],
	[ qr/invalid option "--bogus"/, 'status', 'x', '--bogus' ],
	[ qr/invalid option "-5"\npgdf: detail: .* goes after --/, 'start', 'Fine', '-5' ],
	[ qr/no instance is given/, 'terminate' ],
	[ qr/an instance and a filter are given/, 'terminate', 'x', '--name', 'y' ])
{
	my ($pattern, @args) = @{$wrong};

	exits(\@args, 2, $pattern, env => { PGHOST => '/nowhere' });
}
exits(['run', 'Fine', '--input-file', '-'], 2, qr/content of "standard input" is not valid JSON at byte 5/,
	stdin => "[1, x]\n", env => { PGHOST => '/nowhere' });
exits(['run', 'Fine', '--input-file', '-'], 2, qr/input is empty/, env => { PGHOST => '/nowhere' });

$worker->term;
done_testing();

sub exits
{
	my ($args, $code, $pattern, %opts) = @_;
	my ($exit, $out, $err) = cli($node, $args, %opts);
	my $name = join(' ', 'pgdf', @{$args}) =~ s/\n/\\n/gr;

	is($exit, $code, "$name: exit code $code") or diag($err);
	return like($err, $pattern, "$name: message");
}
