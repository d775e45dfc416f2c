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
