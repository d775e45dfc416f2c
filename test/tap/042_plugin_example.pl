# The example of docs/plugins.md: built by its line, configured as it says, and it does what it says.

use strict;
use warnings;

use JSON::PP;
use Pgdf::Plugin;
use Pgdf::Test;

my $node = new_node('main');
my $dir = temp_dir();
my $page = slurp("$ENV{PGDF_TEST_DIR}/../docs/plugins.md");
my ($source) = $page =~ /^```c\n(.*?)^```$/ms;
my ($line) = $page =~ /^```sh\n(cc [^\n]*)\n```$/m;
my ($config) = map { JSON::PP->new->decode($_) } $page =~ /^```json\n(.*?)^```$/ms;

write_file("$dir/primes.c", $source);
my ($ok, $output) = run_compiler($dir, split(' ', $line));

ok($ok, 'the example is built by one line') or diag($output);
is($output, '', 'without a warning');
write_file("$dir/header.c", "#include <pgdf_activity.h>\n");
($ok, $output) = run_compiler($dir, qw(cc -std=c99 -pedantic -Wall -Wextra -Werror -fsyntax-only header.c));
ok($ok, 'the header is C99 and needs no other') or diag($output);
SKIP: {
	skip('there is no C++ compiler', 1) if !grep { -x "$_/c++" } split(/:/, $ENV{PATH});
	write_file("$dir/header.cc", "#include <pgdf_activity.h>\nstatic const PgdfActivity a[] = {{\"x\", nullptr}};\nPGDF_PLUGIN(a);\n");
	($ok, $output) = run_compiler($dir, qw(c++ -std=c++11 -Wall -Werror -fsyntax-only header.cc));
	ok($ok, 'and C++') or diag($output);
}

$config->{'plugin-dir'} = $dir;
delete $config->{plugins}{primes}{limits} if slurp($ENV{PGDF}) =~ /__asan_init/;    # a sanitizer maps terabytes
chmod(0755, $dir);
my $worker = start_worker($node, config => $config);

$node->safe_psql('postgres', q{
	CREATE FUNCTION call_one(name text, input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RETURN df_call_activity(name, input);
	EXCEPTION WHEN SQLSTATE 'DF000' THEN
		RETURN df_failure();
	END $$;
	SELECT df_register_orchestrator('call_one');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

sub start { return df_start($node, 'call_one', encode_json({ name => $_[0], input => $_[1] }), user => 'regress_user'); }

sub result
{
	my ($id) = @_;

	wait_for_status($node, $id, 'Completed');
	return $node->safe_psql('postgres', "SELECT df_result('$id', '1 s')");
}

like($worker->log, qr/plugin "primes" has 1 activities/, 'it is loaded');
is(result(start('CountPrimes', 1000)), '168', 'there are 168 primes below 1000');
is(result(start('countprimes', 3)), '1', 'names compare case-insensitively');
is(decode_json(result(start('CountPrimes', 'many')))->{errorType}, 'InvalidInput', 'its failure is one');

# it would run for days
my $id = start('CountPrimes', 1_000_000_000_000);

wait_for(sub { $node->safe_psql('postgres', "SELECT (progress ->> 'done')::bigint > 0 FROM df_waits('$id')") eq 't' }, 'its progress');
ok(1, 'its progress is seen');
$node->safe_psql('postgres', "SELECT df_terminate('$id')");
wait_for_status($node, $id, 'Terminated');
is(result(start('CountPrimes', 10)), '4', 'it goes on');
is(result(start('CountPrimes', 11)), '4', 'in both processes');
is($worker->term, 0, 'the worker stops');
unlike($worker->log, qr/Crashed|WARNING/, 'nobody had to be killed');
done_testing();
