# test/lib/Pgdf/Process.pm: waiting for conditions, and processes that a test may treat badly.
#
# Rule: nothing sleeps for luck; every wait has a condition and a deadline.

package Pgdf::Process;

use strict;
use warnings;

use Carp;
use Exporter 'import';
use JSON::PP;
use POSIX qw(:sys_wait_h);
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(is_alive poll slurp spawn_worker);

# Seconds after which a wait gives up, unless told otherwise.
our $deadline = $ENV{PGDF_TEST_DEADLINE} || 60;

# Call $condition until it returns something true, and return that; undef after $timeout seconds.
sub poll
{
	my ($condition, $timeout) = @_;
	my $end = time() + ($timeout // $deadline);
	my $pause = 0.002;

	while (1)
	{
		my $value = $condition->();

		return $value if $value;
		return undef if time() > $end;
		sleep($pause);
		$pause *= 2 if $pause < 0.05;
	}
}

sub slurp
{
	my ($path) = @_;

	open(my $fh, '<', $path) or return '';
	local $/;
	my $text = <$fh>;
	return $text // '';
}

# Does this process run?  One that has ended may stay in the table until its new parent looks: that is not alive.
sub is_alive
{
	my ($pid) = @_;

	return slurp("/proc/$pid/stat") =~ /\) [^XZ] /;
}

# Start a program, with stdout and stderr appended to a file.
#   argv => [...], log => path, env => {NAME => value or undef to unset}
sub start
{
	my ($class, %opts) = @_;
	my $self = bless { log => $opts{log}, exit => undef }, $class;

	$self->{pid} = fork() // croak "could not fork: $!";
	if ($self->{pid} == 0)
	{
		open(STDIN, '<', '/dev/null') or POSIX::_exit(126);
		open(STDOUT, '>>', $opts{log}) or POSIX::_exit(126);
		open(STDERR, '>&', \*STDOUT) or POSIX::_exit(126);
		while (my ($name, $value) = each %{ $opts{env} // {} })
		{
			if (defined $value) { $ENV{$name} = $value; }
			else { delete $ENV{$name}; }
		}
		$SIG{$_} = 'DEFAULT' foreach qw(HUP INT QUIT PIPE TERM);
		exec { $opts{argv}[0] } @{ $opts{argv} } or POSIX::_exit(127);
	}
	return $self;
}

sub pid { return $_[0]{pid}; }
sub log_file { return $_[0]{log}; }
sub log { return slurp($_[0]{log}); }

sub signal
{
	my ($self, $signal) = @_;

	return $self->is_running && kill($signal, $self->{pid});
}

sub hup { return $_[0]->signal('HUP'); }
sub cont { return $_[0]->signal('CONT'); }

# SIGSTOP; returns when the process has stopped.
sub stop
{
	my ($self) = @_;

	$self->signal('STOP');
	poll(sub { slurp("/proc/$self->{pid}/stat") =~ /\) [Tt] / })
	  or croak "process $self->{pid} did not stop";
	return;
}

# SIGKILL; returns when the process is gone.
sub kill9
{
	my ($self) = @_;

	$self->signal('KILL');
	return $self->wait_exit;
}

# SIGTERM; returns the exit code when the process has ended.
sub term
{
	my ($self, $timeout) = @_;

	$self->signal('TERM');
	return $self->wait_exit($timeout);
}

sub is_running
{
	my ($self) = @_;

	return 0 if defined $self->{exit};
	return 1 if waitpid($self->{pid}, WNOHANG) == 0;
	$self->{exit} = $? & 127 ? 128 + ($? & 127) : $? >> 8;
	return 0;
}

# Wait for the end of the process; returns its exit code, or 128 + signal.
sub wait_exit
{
	my ($self, $timeout) = @_;

	poll(sub { !$self->is_running }, $timeout)
	  or croak "process $self->{pid} did not end, log:\n" . $self->log;
	return $self->{exit};
}

# Wait until the log has text that matches; returns what the first group, or the whole, matched.
sub wait_log
{
	my ($self, $pattern, $timeout) = @_;
	my $found = poll(
		sub {
			return [ $1 // $& ] if $self->log =~ $pattern;
			return 0;
		},
		$timeout) or croak "no log line matches $pattern:\n" . $self->log;

	return $found->[0];
}

sub DESTROY
{
	my ($self) = @_;

	local ($?, $!);
	return if !$self->{pid} || !$self->is_running;
	kill('KILL', $self->{pid});
	waitpid($self->{pid}, 0);
	return;
}

# Start "pgdf worker" and wait until it is attached.
#   conninfo => how it connects, dir => where its files go, query => sub that runs SQL and returns text,
#   name => 'worker', args => [flags], config => {settings of the configuration file}, env => {...},
#   wait => 1 (0: return at once)
my %generation;

sub spawn_worker
{
	my (%opts) = @_;
	my $base = $opts{name} // 'worker';
	my $name = "$base." . ++$generation{$base};
	my @argv = ($ENV{PGDF} // 'pgdf', 'worker', '--name', $name, '--dbname', $opts{conninfo});
	my $log = "$opts{dir}/$base.log";

	if ($opts{config})
	{
		my $path = "$opts{dir}/$name.json";

		open(my $fh, '>', $path) or croak "could not write \"$path\": $!";
		print $fh JSON::PP->new->canonical->pretty->encode($opts{config});
		close($fh);
		push @argv, '--config', $path;
	}
	push @argv, @{ $opts{args} // [] };

	my $self = Pgdf::Process->start(argv => \@argv, log => $log, env => $opts{env});

	$self->{name} = $name;
	return $self if defined $opts{wait} && !$opts{wait};
	poll(
		sub {
			$self->is_running or croak "worker ended with exit code $self->{exit}, log:\n" . $self->log;
			return $opts{query}->("SELECT count(*) FROM df.worker_sessions WHERE name = '$name'") eq '1';
		}) or croak "worker did not attach, log:\n" . $self->log;
	return $self;
}

sub name { return $_[0]{name}; }

1;
