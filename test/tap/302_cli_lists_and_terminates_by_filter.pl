# pgdf list, terminate and purge: filters, --dry-run, tables and JSON; and the lists of what is registered.

use strict;
use warnings;

use JSON::PP;
use Pgdf::Test;

my $node = new_node('main');
my $worker = start_worker($node);

$node->safe_psql('postgres', <<'SQL', connstr => $node->connstr('postgres') . ' user=regress_user');
CREATE FUNCTION fine() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;
CREATE FUNCTION stuck() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('nobody_serves_this'); END $$;
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS 'SELECT 2 * n';
SELECT df_register_orchestrator('Fine', 'fine'), df_register_orchestrator('Stuck', 'stuck'), df_register_activity('Twice', 'twice');
SQL

cli($node, [ 'start', 'Fine', '--id', "fine$_", '--tag', "n=$_", '--wait' ]) foreach 1 .. 3;
cli($node, [ 'start', 'Stuck', '--id', "stuck$_", '--tag', "n=$_", '--tag', 'kind=stuck' ]) foreach 1 .. 3;
wait_for_status($node, "stuck$_", 'Running') foreach 1 .. 3;

# list
is(ids(), 'fine1 fine2 fine3 stuck1 stuck2 stuck3', 'list without filters');
is(ids('--name', 'STUCK'), 'stuck1 stuck2 stuck3', 'by name, in any case');
is(ids('--status', 'running'), 'stuck1 stuck2 stuck3', 'by status');
is(ids('--status', 'Completed,Failed'), 'fine1 fine2 fine3', 'by statuses');
is(ids('--tag', 'n=2'), 'fine2 stuck2', 'by tag');
is(ids('--tag', 'n=2', '--tag', 'kind=stuck'), 'stuck2', 'by tags: all of them');
is(ids('--older-than', '1 day'), '', 'by age: none is so old');
is(ids('--older-than', '0'), 'fine1 fine2 fine3 stuck1 stuck2 stuck3', 'by age: all are older');

my ($code, $out, $err) = cli($node, [ 'list', '--limit', '2' ]);
my @lines = split(/\n/, $out);

is(scalar @lines, 3, 'a table with a heading');
like($lines[0], qr/^INSTANCE ID +NAME +RUNTIME STATUS +CREATED TIME/, 'the heading');
like($lines[1], qr/^stuck3 +Stuck +Running +\d{4}-\d\d-\d\dT/, 'the newest first');
like($err, qr/only the newest 2 are shown/, 'that there is more goes to stderr');
is((cli($node, ['list'], user => 'regress_other'))[1] =~ tr/\n//, 1, "nobody sees another's instances");

# terminate by filter
($code, $out) = cli($node, [ 'terminate', '--name', 'Stuck', '--tag', 'n=2', '--dry-run' ]);
like($out, qr/^stuck2 +Stuck +Running$/m, '--dry-run shows what it would be');
is(df_status($node, 'stuck2'), 'Running', '--dry-run does nothing');
is_deeply(
	json('terminate', '--tag', 'n=2', '--reason', 'no need'),
	[ { instanceId => 'stuck2', name => 'Stuck', runtimeStatus => 'Running', terminated => JSON::PP::true } ],
	'of what is chosen, only what has not ended');
wait_for_status($node, 'stuck2', 'Terminated');
cli($node, [ 'terminate', '--older-than', '0', '--status', 'Running' ]);
wait_for_status($node, $_, 'Terminated') foreach qw(stuck1 stuck3);
is_deeply(json('terminate', '--name', 'Stuck'), [], 'nothing is left to terminate');

# purge
is((cli($node, [ 'purge', 'stuck1' ]))[1], "purged 1 instance\n", 'purge');
is_deeply(json('purge', 'stuck2'), { instancesDeleted => 1 }, 'purge --json');
is(ids('--name', 'stuck'), 'stuck3', 'they are gone');

# the other requests, by filter
cli($node, [ 'start', 'Stuck', '--id', "stuck$_", '--tag', "n=$_", '--tag', 'kind=stuck' ]) foreach 4 .. 6;
wait_for_status($node, "stuck$_", 'Running') foreach 4 .. 6;
($code, $out, $err) = cli($node, [ 'suspend', '--tag', 'n=5', '--dry-run' ]);
like($out, qr/^stuck5 +Stuck +Running$/m, 'suspend --dry-run');
like($err, qr/^pgdf: 1 to suspend \(dry run: nothing was done\)$/m, 'how many it would be');
is_deeply(json('suspend', '--tag', 'n=5'), [ { instanceId => 'stuck5', name => 'Stuck', runtimeStatus => 'Running', suspended => JSON::PP::true } ],
	'suspend by filter');
wait_for_status($node, 'stuck5', 'Suspended');
is(scalar @{ json('suspend', '--name', 'stuck', '--status', 'Suspended') }, 0, 'what is suspended is not chosen');
($code, $out, $err) = cli($node, [ 'resume', '--name', 'Stuck' ]);
like($out, qr/^stuck5 +Stuck +Suspended +(t|true|yes)/mi, 'resume by filter');
like($err, qr/^pgdf: resuming 1$/m, 'how many they were');
wait_for_status($node, 'stuck5', 'Running');
$node->safe_psql('postgres', q{
	CREATE FUNCTION fails() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'told to'; END $$;
	SELECT df_register_orchestrator('Fails', 'fails')}, connstr => $node->connstr('postgres') . ' user=regress_user');
cli($node, [ 'start', 'Fails', '--id', "fails$_", '--wait' ]) foreach 1 .. 2;
is(join(' ', map { $_->{rewound} ? $_->{instanceId} : () } @{ json('rewind', '--older-than', '0') }), 'fails1 fails2', 'rewind by filter');
wait_for_status($node, "fails$_", 'Failed') foreach 1 .. 2;
is(join(' ', map { $_->{newInstanceId} } @{ json('restart', '--name', 'Fine', '--same-id') }), 'fine1 fine2 fine3', 'restart by filter, in place');
is(scalar(grep { $_->{newInstanceId} =~ /^[0-9a-f]{32}$/ } @{ json('restart', '--tag', 'n=1', '--status', 'Completed') }), 1, 'under a new id');
is((cli($node, [ 'restart', '--name', 'Fine', '--id', 'x' ]))[0], 2, 'one id is not for many');
is((cli($node, [ $_ ]))[0], 2, "$_ of nothing") foreach qw(suspend resume rewind restart redrive repin purge);
is((cli($node, [ $_, 'x', '--name', 'y' ]))[0], 2, "$_ of one and of many") foreach qw(suspend resume rewind restart redrive repin purge);
wait_for_status($node, "fine$_", 'Completed') foreach 1 .. 3;
is_deeply(json('purge', '--name', 'Fine', '--tag', 'n=2', '--dry-run'), [ { instanceId => 'fine2', name => 'Fine', runtimeStatus => 'Completed' } ],
	'purge by name and tag --dry-run');
is((cli($node, [ 'purge', '--name', 'Fine', '--tag', 'n=2' ]))[1], "purged 1 instance\n", 'purge by name and tag');
is_deeply(json('purge', '--name', 'Fails', '--limit', '1'), { instancesDeleted => 1 }, 'purge --limit');

# for administrators: dead letters, quarantine
$node->safe_psql('postgres', q{UPDATE df.tasks SET state = 4, deliveries = 5 WHERE instance_key = (SELECT instance_key FROM df.instance_state WHERE instance_id = 'stuck4')});
is((cli($node, [ 'redrive', 'stuck4', '7' ], user => 'postgres'))[2], qq(pgdf: instance "stuck4" has no dead letter: nothing to do\n), 'redrive of another task');
($code, $out, $err) = cli($node, [ 'redrive', '--older-than', '0' ], user => 'postgres');
like($out, qr/^stuck4 +Stuck +Running +1$/m, 'redrive by filter');
is((cli($node, [ 'redrive', 'stuck4' ], user => 'postgres'))[2], qq(pgdf: instance "stuck4" has no dead letter: nothing to do\n), 'there is none left');
$node->safe_psql('postgres', q{UPDATE df.instance_state SET blocked_reason = 'for the test', turn_failures = 3 WHERE instance_id = 'stuck6'});
($code, $out, $err) = cli($node, [ 'repin', '--name', 'Stuck', '--tag', 'n=6' ], user => 'postgres');
like($out, qr/^stuck6 +Stuck +Running +(t|true|yes)/mi, 'repin by filter');
is((cli($node, [ 'repin', 'stuck6' ], user => 'postgres'))[2], qq(pgdf: instance "stuck6" is not quarantined: nothing to do\n), 'it is released');
isnt((cli($node, [ 'repin', 'stuck6' ]))[0], 0, 'others may not');

# what is registered, who is there
is(scalar(grep { $_->{name} eq 'Stuck' } @{ json('orchestrators') }), 1, 'orchestrators --json');
is((grep { $_->{name} eq 'Twice' } @{ json('activities') })[0]{kind}, 'sql', 'activities --json');
is(scalar @{ decode_json((cli($node, [ 'workers', '--json' ], user => 'postgres'))[1]) }, 1, 'workers --json');
like((cli($node, [$_]))[1], qr/^NAME /m, "$_ as a table") foreach qw(orchestrators activities workers);

$worker->term;
done_testing();

sub json
{
	my @args = @_;
	my ($exit, $text, $message) = cli($node, [ @args, '--json' ]);

	return decode_json($text) if $exit == 0;
	diag($message);
	return [];
}

sub ids
{
	my @filters = @_;

	return join(' ', sort map { $_->{instanceId} } @{ json('list', @filters) });
}
