# A plugin that cannot be trusted or used is refused at the start; one that cannot be used later is not offered.

use strict;
use warnings;

use JSON::PP;
use Pgdf::Plugin;
use Pgdf::Test;

my $node = new_node('main');
my $top = temp_dir();
my $good = q{
	#include <unistd.h>
	#include <pgdf_activity.h>
	static void run(PgdfContext *context) { if (context->input[0] == '9') _exit(3); pgdf_complete(context, context->input); }
	static const PgdfActivity activities[] = {{"Good", run}, {"Better", run}};
	PGDF_PLUGIN(activities);
};
my $number = 0;

sub directory
{
	my $dir = "$top/" . ++$number;

	mkdir($dir, 0755) or die;
	chmod(0755, $dir);
	return $dir;
}

sub start
{
	my ($dir, %more) = @_;

	return start_worker($node, name => "w$number", config => { 'plugin-dir' => $dir, plugins => { good => {} }, %more }, wait => 0);
}

# The worker ends with status 2 and says why.
sub refused
{
	my ($what, $message, $worker) = @_;

	is($worker->wait_exit, 2, "$what: refused");
	like($worker->log, $message, "$what: message");
	return;
}

sub compiled
{
	my ($text) = @_;
	my $dir = directory();

	compile($dir, 'good', $text // $good);
	return $dir;
}

my $dir = compiled();

chmod(0775, $dir);
refused('directory writable by its group', qr/could not use plugin "good": the plugin directory can be written by others/, start($dir));
$dir = compiled();
chmod(0707, $dir);
refused('directory writable by all', qr/the plugin directory can be written by others/, start($dir));
$dir = compiled();
chmod(0775, "$dir/good.so");
refused('file writable by its group', qr/its file can be written by others/, start($dir));
$dir = compiled();
rename("$dir/good.so", "$dir/other.so");
symlink('other.so', "$dir/good.so");
refused('link', qr/could not open "[^"]*good\.so": Too many levels of symbolic links/, start($dir));
$dir = compiled();
mkdir("$dir/x.so");
refused('directory of that name', qr/could not use plugin "x": its file is not a regular file|could not load it/, start($dir, plugins => { x => {} }));
refused('no file', qr/could not open "[^"]*missing\.so": No such file/, start(compiled(), plugins => { missing => {} }));
refused('no directory', qr/could not open directory "[^"]*": No such file/, start("$top/none"));
refused('relative directory', qr/plugin directory "plugins" is not an absolute path/, start('plugins'));
refused('no directory configured', qr/plugins are configured, but no directory/,
	start_worker($node, name => 'unset', wait => 0, config => { plugins => { good => {} } }));

$dir = directory();
write_file("$dir/good.so", 'this is text');
chmod(0644, "$dir/good.so");
refused('not a library', qr/could not load it: .*(file too short|invalid ELF header)/, start($dir));
refused('not a plugin', qr/it does not say PGDF_PLUGIN\(\)/, start(compiled('int x;')));
refused('another version', qr/it was made for version 77 of pgdf_activity\.h, this is version 1/,
	start(compiled("#define PGDF_PLUGIN_ABI 77\n" . slurp_header() . $good)));
refused('two of a name', qr/it has activity "GOOD" twice/, start(compiled($good =~ s/"Better"/"GOOD"/r)));
refused('a name that is none', qr/its activity number 2 has no function, or no valid name/, start(compiled($good =~ s/"Better"/"*x"/r)));
refused('no function', qr/its activity number 2 has no function/, start(compiled($good =~ s/"Better", run/"Better", 0/r)));
refused('a start function that refuses', qr/its start function did not return 0/,
	start(compiled($good =~ s/PGDF_PLUGIN\(activities\)/static int start(void) { return 1; } PGDF_PLUGIN_START(activities, start)/r)));
refused('a start function that crashes', qr/its process ended before it was ready.*\n.*DETAIL:  no licence/,
	start(compiled($good =~ s/PGDF_PLUGIN\(activities\)/static int start(void) { if (write(2, "no licence", 10)) _exit(1); return 0; } PGDF_PLUGIN_START(activities, start)/r)));
refused('the name of a built-in activity', qr/activity "NOOP" of plugin "good" has the name of another activity/,
	start(compiled($good =~ s/"Better"/"NOOP"/r)));
refused('the name of a command', qr/activity "Good" of plugin "good" has the name of another activity/,
	start(compiled(), exec => { good => { argv => ['/bin/cat'] } }));
refused('another user', qr/plugin "good" cannot run as user "root"/, start(compiled(), plugins => { good => { user => 'root' } }));

# nobody but a worker runs its processes
is(system("$ENV{PGDF} plugin-host $dir good </dev/null 2>/dev/null") >> 8, 2, 'plugin-host is not for people');
my (undef, $help) = cli($node, ['--help']);

unlike($help, qr/plugin-host/, 'nor in the help');

# the file goes away while the worker runs: its activities are not offered until it is back
$dir = compiled();
my $worker = start_worker($node, config => { 'plugin-dir' => $dir, plugins => { good => {} } });

$node->safe_psql('postgres', q{
	CREATE FUNCTION call_one(input jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
	BEGIN
		RETURN df_call_activity('Good', input);
	EXCEPTION WHEN SQLSTATE 'DF000' THEN
		RETURN df_failure() -> 'errorType';
	END $$;
	SELECT df_register_orchestrator('call_one');
}, connstr => $node->connstr('postgres') . ' user=regress_user');

sub result
{
	my ($id) = @_;

	wait_for_status($node, $id, 'Completed');
	return $node->safe_psql('postgres', "SELECT df_result('$id', '1 s')");
}

sub offered { return $node->safe_psql('postgres', q{SELECT count(*) FROM df.worker_sessions WHERE 'better' = ANY (activities)}); }

is(offered(), '1', 'its activities are offered');
is(result(df_start($node, 'call_one', '1', user => 'regress_user')), '1', 'and run');
rename("$dir/good.so", "$dir/away.so");
is(result(df_start($node, 'call_one', '9', user => 'regress_user')), '"Crashed"', 'one crashes');
wait_for(sub { offered() eq '0' }, 'its activities not to be offered');
ok(1, 'without the file its activities are not offered any more');
my $waits = df_start($node, 'call_one', '2', user => 'regress_user');

wait_for(sub { $node->safe_psql('postgres', "SELECT served FROM df_waits('$waits')") eq 'f' }, 'a task that nobody serves');
is($node->safe_psql('postgres', 'SELECT max(state) FROM df.tasks'), '0', 'nobody claims them');
rename("$dir/away.so", "$dir/good.so");
is(result($waits), '2', 'with the file they are again');
is(offered(), '1', 'and offered');
is($worker->term, 0, 'the worker stops');
done_testing();

# The header, to be changed by a test: its own definition of the version gives way.
sub slurp_header
{
	my $header = slurp(($ENV{PGDF} =~ s!/bin/[^/]*$!!r) . '/include/pgdf_activity.h');

	$header =~ s/^#define PGDF_PLUGIN_ABI 1$//m or die;
	return $header;
}
