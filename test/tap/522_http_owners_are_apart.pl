# Two keys that stand for two roles: on no route does one see, touch or count what is the other's.

use strict;
use warnings;

use Pgdf::Gateway;
use Pgdf::Test;

my $node = new_node('main');
my $dir = temp_dir();
my $api = '/runtime/webhooks/durabletask';
my %role = (user => 'regress_user', other => 'regress_other');

$node->safe_psql('postgres', <<'SQL');
CREATE ROLE regress_http LOGIN NOINHERIT IN ROLE regress_user, regress_other;
SELECT df_grant_worker('regress_http'), df_grant_worker('regress_user');
SQL
$node->safe_psql('postgres', <<'SQL', connstr => $node->connstr('postgres') . ' user=regress_user');
CREATE FUNCTION waits(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_wait_event('go'); END $$;
CREATE FUNCTION echoes(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN input; END $$;
CREATE FUNCTION fails() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM df_fail('Bad', 'always'); END $$;
CREATE FUNCTION secret() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN '1'; END $$;
REVOKE EXECUTE ON FUNCTION secret() FROM PUBLIC;
SELECT df_register_orchestrator(f) FROM unnest('{waits,echoes,fails,secret}'::text[]) AS f;
SQL
my %key = map { $_ => "key-of-$_-" . 'k' x 32 } qw(user other nobody);
write_file("$dir/keys", "$key{user} regress_user\n$key{other} regress_other admin\n$key{nobody} regress_nobody\n");
chmod(0600, "$dir/keys");
my $gateway = start_gateway($node, user => 'regress_http', args => [ '--http-key-file', "$dir/keys" ]);
my $worker = start_worker($node, user => 'regress_user');

# a key, and which answer it gets
sub ask
{
	my ($who, $verb, $path, %opts) = @_;

	return http($gateway, $verb, $path, %opts,
		headers => { 'x-functions-key' => $key{$who}, 'Content-Type' => 'application/json', %{ $opts{headers} // {} } });
}

foreach my $who (qw(user other))
{
	foreach my $name (qw(waits echoes fails))
	{
		is(ask($who, POST => "$api/orchestrators/$name/$name-of-$who", body => '{"secret":1}')->{code}, 202, "$who starts $name");
	}
	wait_for_status($node, "$_->[0]-of-$who", $_->[1])
	  foreach [ 'waits', 'Running' ], [ 'echoes', 'Completed' ], [ 'fails', 'Failed' ];
	is($node->safe_psql('postgres', "SELECT owner FROM df.instances WHERE instance_id = 'waits-of-$who'"),
		$role{$who}, "... which is $role{$who}'s");
}
is(ask(other => POST => "$api/orchestrators/secret")->{code}, 403, 'a role without the right on the function');
is(ask(user => POST => "$api/orchestrators/secret")->{code}, 202, 'a role with it');
is(ask(nobody => GET => "$api/instances/")->{code}, 403, 'a role that the server may not act for');

# what is asked of somebody else's instance is answered as for none
my @requests = (
	[ GET => '' ],
	[ GET => '?showHistory=true' ],
	[ GET => '?wait=5' ],
	[ HEAD => '' ],
	[ POST => '/terminate?reason=x' ],
	[ POST => '/suspend' ],
	[ POST => '/resume' ],
	[ POST => '/rewind' ],
	[ POST => '/restart' ],
	[ POST => '/restart?restartWithNewInstanceId=false' ],
	[ POST => '/raiseEvent/go', '1' ],
	[ POST => '/raiseEvent/go', '{' ],
	[ DELETE => '' ]);
foreach my $name (qw(waits echoes fails))
{
	foreach my $request (@requests)
	{
		my ($verb, $suffix, $body) = @{$request};
		my $foreign = ask(other => $verb, "$api/instances/$name-of-user$suffix", body => $body);
		my $unknown = ask(other => $verb, "$api/instances/$name-of-nobody$suffix", body => $body);

		delete $_->{headers}{date} foreach $foreign, $unknown;
		is_deeply($foreign, $unknown, "$verb $name$suffix");
		is($foreign->{code}, 404, '... is not found');
	}
	is(ask(other => GET => "/admin/extensions/DurableTaskExtension/instances/$name-of-user")->{code}, 404, 'by the other base');
}
is($node->safe_psql('postgres', "SELECT count(*) FROM df.inbox JOIN df.instance_state USING (instance_key) WHERE owner = 'regress_user'::regrole"),
	0, 'nothing is on its way to it');

# an id that is taken is taken, whosever it is
is(ask(other => POST => "$api/orchestrators/waits/waits-of-user")->{code}, 409, 'an id of somebody else');
is(ask(other => POST => "$api/orchestrators/waits/echoes-of-user")->{code}, 409, 'also when it is final');

# lists show one's own, in whatever way they are asked for
foreach my $query ('', '?instanceIdPrefix=w', '?runtimeStatus=Running', '?name=waits', '?top=1000', '?createdTimeFrom=2000-01-01')
{
	my $answer = ask(other => GET => "$api/instances/$query");

	is_deeply([ grep { $_->{instanceId} !~ /-of-other$/ } @{ $answer->{json} } ], [], "list $query");
	ok(scalar(@{ $answer->{json} }), '... has some');
}
my $token = ask(user => GET => "$api/instances/?top=1")->{headers}{'x-ms-continuation-token'};
my $page = ask(other => GET => "$api/instances/", headers => { 'x-ms-continuation-token' => $token });
is_deeply([ grep { $_->{instanceId} !~ /-of-other$/ } @{ $page->{json} } ], [], 'a token of somebody else');

# a purge takes one's own
is(ask(other => DELETE => "$api/instances/?createdTimeFrom=2000-01-01")->{json}{instancesDeleted}, 2, 'a purge by filter');
is(ask(user => GET => "$api/instances/$_-of-user")->{code}, 200, "$_ of somebody else is there") foreach qw(echoes fails);

# a waiting client learns nothing of somebody else's changes
is(ask(user => POST => "$api/instances/waits-of-user/raiseEvent/go", body => '"told"')->{code}, 202, 'its owner sends an event');
wait_for_status($node, 'waits-of-user', 'Completed');
is(ask(user => GET => "$api/instances/waits-of-user")->{json}{output}, 'told', '... and sees what became of it');
is(ask(other => GET => "$api/instances/waits-of-user?wait=1")->{code}, 404, '... and nobody else does');

# without a key, with a wrong one
is(http($gateway, $_->[0], $_->[1])->{code}, 401, "$_->[0] $_->[1] without a key")
  foreach [ GET => "$api/instances/waits-of-user" ], [ GET => "$api/instances/" ], [ POST => '/orchestrators/waits' ], [ GET => '/metrics' ],
  [ DELETE => "$api/instances/waits-of-user" ], [ GET => "$api/nothing" ], [ GET => "$api/entities/" ];
is(http($gateway, GET => "$api/instances/", headers => { 'x-functions-key' => "$key{user}x" })->{code}, 401, 'a wrong key');
is(http($gateway, GET => $_)->{code}, 200, "$_ needs none") foreach qw(/healthz /openapi.json);

done_testing();
