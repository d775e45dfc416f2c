# What runs as the worker's own user - a command, a plugin - cannot read its environment, memory or descriptors, nor trace it,
# nor those of the gateway: secrets are there.

use strict;
use warnings;

use Pgdf::Gateway;
use Pgdf::Process qw(slurp);
use Pgdf::Test;

plan(skip_all => 'root may read everything') if $> == 0;

my $node = new_node('main');
my $canary = 'canary-of-the-environment';
my $script = temp_dir() . '/looks';

# a command that looks at its parent, and at everything else that it can
write_file($script, <<'PERL');
#!/usr/bin/perl
use strict;
my ($canary, $gateway) = @ARGV;
my %found = (looked => 0, read => 0, traced => 0);
foreach my $pid (getppid(), $gateway, map { m!(\d+)$! } glob('/proc/[0-9]*'))
{
	next if $pid == $$;
	$found{looked}++;
	foreach my $file (qw(environ maps mem auxv))
	{
		open(my $fh, '<', "/proc/$pid/$file") or next;
		local $/;
		$found{$pid}{$file} = 1 if $pid == getppid() || $pid == $gateway;
		$found{read}++ if $file eq 'environ' && index(<$fh> // '', $canary) >= 0;
	}
	$found{fds} += () = glob("/proc/$pid/fd/*") if $pid == getppid() || $pid == $gateway;
}
# PTRACE_SEIZE
$found{traced}++ if syscall(101, 0x4206, getppid(), 0, 0) == 0;
printf('{"looked": %d, "read": %d, "traced": %d, "opened": %d, "fds": %d}', @found{qw(looked read traced)},
	scalar(grep { ref } values %found), $found{fds} // 0);
PERL
chmod(0755, $script);

my $gateway = start_gateway($node, env => { SECRET => $canary });
my $worker = start_worker($node, env => { SECRET => $canary, PGPASSWORD => $canary },
	config => { exec => { Looks => { argv => [ $script, $canary, "" . $gateway->pid ] } } });

$node->safe_psql('postgres', q{
	CREATE FUNCTION looks() RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RETURN df_call_activity('Looks'); END $$;
	SELECT df_register_orchestrator('looks')});
my $id = df_start($node, 'looks');

wait_for_status($node, $id, 'Completed');
my %told = $node->safe_psql('postgres', "SELECT output FROM df_status('$id')") =~ /"(\w+)": (\d+)/g;

cmp_ok($told{looked}, '>', 2, 'the command has looked at processes');
is($told{read}, 0, 'none has told it the secret');
is($told{opened}, 0, 'it could open nothing of the worker and the gateway');
is($told{fds}, 0, 'nor see what they have open');
is($told{traced}, 0, 'nor trace the worker');
is(slurp('/proc/' . $worker->pid . '/environ'), '', 'nor could this test');
like(slurp('/proc/' . $worker->pid . '/status'), qr/^VmRSS:/m, 'what tells nothing is there for all');
is($_->term, 0, 'it ends well') foreach $worker, $gateway;

done_testing();
