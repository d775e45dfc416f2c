# Requests need a key when there is a key file; a key stands for a role and allows what its scope says.

use strict;
use warnings;

use Pgdf::Gateway;
use Pgdf::Test;

my $base = '/runtime/webhooks/durabletask';
my $node = new_node('main');
my $file = temp_dir() . '/keys';
my %keys = map { $_ => $_ . 'x' x (32 - length $_) } qw(user other reader starter plain);

sub write_keys
{
	my (@lines) = @_;

	write_file($file, join("\n", '# role and scope are optional', '', @lines, ''));
	chmod(0600, $file);
	return;
}

sub code
{
	my ($gateway, $key, $verb, $path, %opts) = @_;

	return http($gateway, $verb, $path, headers => { defined $key ? ('x-functions-key' => $keys{$key}) : () }, %opts)->{code};
}

$node->safe_psql('postgres', <<'SQL');
GRANT regress_user, regress_other TO regress_worker;
CREATE FUNCTION quiet() RETURNS void LANGUAGE plpgsql AS $$BEGIN PERFORM df_wait_event('never'); END$$;
SELECT df_register_orchestrator('quiet', 'quiet');
CREATE ROLE "Odd ""Name" LOGIN;
SELECT df_grant_user('"Odd ""Name"');
GRANT "Odd ""Name" TO regress_worker;
SQL

write_keys("$keys{user} regress_user", "\t$keys{other}  regress_other admin ", "$keys{reader} regress_user read",
	"$keys{starter} regress_user start");
my $gateway = start_gateway($node, user => 'regress_worker', args => [ '--http-key-file', $file ]);

# who it is
my $answer = http($gateway, GET => "$base/instances/");

is($answer->{code}, 401, 'no key');
ok(defined $answer->{json}{Message}, 'says so as JSON');
is(http($gateway, GET => '/nothing/here')->{code}, 401, 'an unknown path says no more');
is(http($gateway, GET => "$base/instances/", headers => { 'x-functions-key' => 'wrong' })->{code}, 401, 'a wrong one');
is(http($gateway, GET => "$base/instances/", headers => { 'x-functions-key' => "$keys{user}x" })->{code}, 401, 'a longer one');
is(code($gateway, 'user', GET => "$base/instances/"), 200, 'x-functions-key');
is(http($gateway, GET => "$base/instances/", headers => { Authorization => "Bearer $keys{user}" })->{code}, 200, 'Bearer');
is(http($gateway, GET => "$base/instances/?Code=$keys{user}")->{code}, 200, 'code');
is(code($gateway, undef, GET => '/healthz'), 200, '/healthz needs none');
is(code($gateway, undef, GET => '/readyz'), 200, 'nor does /readyz');
is(code($gateway, undef, GET => '/openapi.json'), 200, 'nor does /openapi.json');
is(code($gateway, undef, GET => '/metrics'), 401, '/metrics does');

# whose instances these are
is(code($gateway, 'user', POST => "$base/orchestrators/quiet/mine"), 202, 'a start');
is($node->safe_psql('postgres', "SELECT owner FROM df.instances WHERE instance_id = 'mine'"), 'regress_user', 'has the role of the key');
is(code($gateway, 'user', GET => "$base/instances/mine"), 202, 'which sees it');
is(code($gateway, 'other', GET => "$base/instances/mine"), 404, 'and no other');
is(code($gateway, 'other', POST => "$base/instances/mine/terminate"), 404, 'which cannot end it either');
is(code($gateway, 'other', DELETE => "$base/instances/mine"), 404, 'or purge it');

# what a key allows
is(code($gateway, 'reader', GET => "$base/instances/mine"), 202, 'read: status');
is(code($gateway, 'reader', POST => "$base/orchestrators/quiet"), 403, 'read: no start');
is(code($gateway, 'reader', POST => "$base/instances/mine/raiseEvent/x", body => '1'), 403, 'read: no event');
is(code($gateway, 'starter', POST => "$base/orchestrators/quiet"), 202, 'start: a start');
is(code($gateway, 'starter', POST => "$base/instances/mine/terminate"), 403, 'start: no control');
is(code($gateway, 'starter', DELETE => "$base/instances/mine"), 403, 'start: no purge');

# links repeat a key that came in the query, and no other
$answer = http($gateway, POST => "$base/orchestrators/quiet?code=$keys{user}");
like($answer->{json}{statusQueryGetUri}, qr/\?code=\Q$keys{user}\E$/, 'code is repeated in links');
$answer = http($gateway, POST => "$base/orchestrators/quiet", headers => { 'x-functions-key' => $keys{user} });
unlike($answer->{body}, qr/\Q$keys{user}\E/, 'x-functions-key is not');

# SIGHUP: other keys; a file that is wrong changes nothing
write_keys("$keys{plain} Odd\"Name", 'x y z z');
$gateway->hup;
$gateway->wait_log(qr/invalid line 4 in key file/);
is(code($gateway, 'user', GET => "$base/instances/mine"), 202, 'a wrong file: the old keys stay');
write_keys("$keys{other} -", "$keys{user} regress_nobody", "$keys{starter} none_of_them");
$gateway->hup;
wait_for(sub { return code($gateway, 'reader', GET => '/metrics') == 401; }, 'the new keys');
is(code($gateway, 'other', POST => "$base/orchestrators/quiet/ours"), 202, 'a dash');
is($node->safe_psql('postgres', "SELECT owner FROM df.instances WHERE instance_id = 'ours'"), 'regress_worker', 'is the role of the connection');
is(code($gateway, 'user', GET => "$base/instances/mine"), 403, 'a role that we are no member of');
is(code($gateway, 'starter', GET => "$base/instances/mine"), 403, 'a role that does not exist');

# a flood of wrong keys is slowed down; the right one still works
my $socket = http_open($gateway);
my %codes;

for (1 .. 300)
{
	http_send($socket, GET => '/metrics', headers => { 'x-functions-key' => 'wrong' });
	my $refused = http_read($socket);
	$codes{ $refused->{code} }++;
	ok($refused->{headers}{'retry-after'}, 'says when to come back') if $refused->{code} == 429 && $codes{429} == 1;
}
cmp_ok($codes{429} // 0, '>', 100, 'too many wrong keys: 429');
is(code($gateway, 'other', GET => '/metrics'), 200, 'a right key among them');
is($gateway->term, 0, 'ends');
foreach my $key (values %keys)
{
	unlike($gateway->log, qr/\Q$key\E/, 'no key is in the log');
}

# what is not started
sub refused
{
	my ($name, $expected, @flags) = @_;
	my $process = start_gateway($node, args => \@flags, name => 'refused', wait => 0);

	isnt($process->wait_exit, 0, "$name: exit status");
	like($process->log, $expected, "$name: message");
	return;
}

chmod(0644, $file);
refused('readable by others', qr/ERROR:  key file ".*" may be read by others/, '--http-key-file', $file);
write_keys();
refused('no key', qr/ERROR:  key file ".*" has no key/, '--http-key-file', $file);
refused('no file', qr/ERROR:  could not read key file ".*": No such file/, '--http-key-file', "$file.none");
refused('not loopback', qr/ERROR:  HTTP on "0\.0\.0\.0:0" needs keys/, '--http', '0.0.0.0:0');
refused('no address', qr/ERROR:  invalid HTTP address "nonsense"/, '--http', 'nonsense');
refused('half of TLS', qr/ERROR:  "http-certificate" and "http-private-key" are only of use together/, '--http-certificate', $file);

done_testing();
