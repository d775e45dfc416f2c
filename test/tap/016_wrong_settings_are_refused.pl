# A worker with wrong flags or a wrong configuration file says what is wrong and exits with status 2.

use strict;
use warnings;

use Pgdf::Test;

my $dir = temp_dir();
my $file = "$dir/config.json";

sub refused
{
	my ($name, $expected, $text, @flags) = @_;

	if (defined $text)
	{
		write_file($file, $text);
		unshift @flags, '--config', $file;
	}

	my $process = Pgdf::Process->start(argv => [ $ENV{PGDF}, 'worker', @flags ], log => "$dir/log");

	is($process->wait_exit, 2, "$name: exit status");
	like($process->log, $expected, "$name: message");
	unlink("$dir/log");
	return;
}

refused('unknown flag', qr/ERROR:  invalid flag "--what"/, undef, '--what');
refused('unknown flag', qr/HINT:  Try "pgdf worker --help"/, undef, '--what');
refused('argument', qr/ERROR:  unexpected argument "what"/, undef, 'what');
refused('missing value', qr/ERROR:  flag "--queues" needs a value/, undef, '--queues');
refused('wrong number', qr/ERROR:  invalid value for flag "--max-activities": "many"/, undef, '--max-activities=many');
refused('wrong number', qr/DETAIL:  A whole number from 1 to 10000 is expected\./, undef, '--max-activities=0');
refused('missing file', qr/could not read configuration file ".*": No such file/, undef, '--config', "$dir/none");
refused('not JSON', qr/ERROR:  configuration file ".*" is not valid JSON at line 2/, "{\n\"a\" 1}");
refused('unknown key', qr/ERROR:  unrecognized key "max_activities" in configuration file/, '{"max_activities": 1}');
refused('wrong type', qr/ERROR:  invalid value for "max-activities" in configuration file ".*": "1"/, '{"max-activities": "1"}');
refused('relative path', qr/ERROR:  invalid command "X".*\n.*DETAIL:  The first of "argv" must be an absolute path\./,
	'{"exec": {"X": {"argv": ["cat"]}}}');
refused('unknown key of a command', qr/ERROR:  invalid key "shell" of command "X"/,
	'{"exec": {"X": {"argv": ["/bin/cat"], "shell": true}}}');
refused('built-in name', qr/ERROR:  command "NoOp" has the name of a built-in activity/,
	'{"exec": {"NoOp": {"argv": ["/bin/cat"]}}}');
refused('range', qr/ERROR:  invalid value in setting "http-call-allow": "10.0.0.1\/8"/, undef, '--http-call-allow', 'localhost,10.0.0.1/8');
foreach my $secret ('1', '{}', '{"file": "/x"}', '{"hosts": ["h"]}', '{"file": "x", "hosts": ["h"]}', '{"file": "/x", "hosts": []}',
	'{"file": "/x", "hosts": ["*"]}', '{"file": "/x", "hosts": "h"}', '{"credential": "../x", "hosts": ["h"]}',
	'{"file": "/x", "credential": "x", "hosts": ["h"]}', '{"file": "/x", "hosts": ["h"], "role": "x"}')
{
	refused("secret $secret", qr/ERROR:  invalid secret "s" in configuration file/, qq({"secrets": {"s": $secret}}));
}
refused('secrets', qr/ERROR:  invalid value for "secrets" in configuration file/, '{"secrets": []}');
refused('connection string', qr/ERROR:  invalid connection string/, undef, '-d', 'host=x password');

my $secret = Pgdf::Process->start(argv => [ $ENV{PGDF}, 'worker', '-d', "password=hunter2 'x" ], log => "$dir/log");

$secret->wait_exit;
unlike($secret->log, qr/hunter2/, 'a wrong connection string is not repeated');

my $help = Pgdf::Process->start(argv => [ $ENV{PGDF}, 'worker', '--help' ], log => "$dir/help");

is($help->wait_exit, 0, '--help');
like($help->log, qr/--max-activities N +\S/, 'lists the flags');
like($help->log, qr/SIGHUP/, 'and the signals');
like($help->log, qr/Exit status:/, 'and the exit status');

done_testing();
