# test/lib/Pgdf/Chaos/Faults.pm: what can happen to workers, connections and the server, at random.
#
# Every fault is a method that does it and notes when; the driver calls them in a shuffled order.

package Pgdf::Chaos::Faults;

use strict;
use warnings;

use List::Util qw(shuffle);
use Pgdf::Process qw(poll);
use Time::HiRes qw(sleep time);

# node, spawn => sub that starts a worker (through the proxy or not), proxy, workers => how many, lease => seconds
sub new
{
	my ($class, %opts) = @_;
	my $self = bless { %opts, slots => [], stopped => [], killed => [], crashed => [], left => [], counts => {} }, $class;

	$self->{slots}[$_] = $opts{spawn}->($_) foreach 0 .. $opts{workers} - 1;
	return $self;
}

# Kinds and how many of each, in random order.
sub schedule
{
	my ($class, %counts) = @_;

	return shuffle(map { my $kind = $_; map { $kind } 1 .. $counts{$kind} } sort keys %counts);
}

sub strike
{
	my ($self, $kind) = @_;

	$self->{counts}{$kind}++;
	$self->can($kind)->($self);
	return;
}

# A worker that does not run any more is replaced; one that was stopped goes on when its time has come.
sub tend
{
	my ($self) = @_;

	foreach my $i (0 .. $#{ $self->{slots} })
	{
		my $worker = $self->{slots}[$i];

		next if $worker->is_running;
		push @{ $self->{left} }, { name => $worker->name, exit => $worker->{exit}, is_asked => $worker->{is_asked} };
		$self->{slots}[$i] = $self->{spawn}->($i);
	}
	foreach my $stopped (@{ $self->{stopped} })
	{
		$stopped->{worker}->cont if time() >= $stopped->{until};
	}
	$self->{stopped} = [ grep { time() < $_->{until} } @{ $self->{stopped} } ];
	return;
}

sub calm
{
	my ($self) = @_;

	$_->{worker}->cont foreach @{ $self->{stopped} };
	$self->{stopped} = [];
	return;
}

sub victim { my ($self) = @_; return $self->{slots}[ int(rand(@{ $self->{slots} })) ]; }

# --------------------------------------------------------------- the workers

sub kill
{
	my ($self) = @_;
	my $worker = $self->victim;

	$worker->{is_asked} = 1;
	push @{ $self->{killed} }, { worker => $worker->name, time => time() };
	$worker->kill9;
	$self->tend;
	return;
}

# From a moment to more than the lease: then its tasks are taken over, and what it says later is void.
sub stop
{
	my ($self) = @_;
	my $worker = $self->victim;

	return if grep { $_->{worker} == $worker } @{ $self->{stopped} };
	$worker->signal('STOP');
	push @{ $self->{stopped} }, { worker => $worker, until => time() + rand(1.5 * $self->{lease}) };
	return;
}

sub term
{
	my ($self) = @_;
	my $worker = $self->victim;

	$worker->{is_asked} = 1;
	$worker->signal('TERM');
	return;
}

# ----------------------------------------------------------- the connections

sub disconnect
{
	my ($self) = @_;

	$self->query(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE usename IN ('regress_worker', 'regress_user', 'regress_other') ORDER BY random() LIMIT 1});
	return;
}

sub hole
{
	my ($self) = @_;

	$self->{proxy}->cut;
	return;
}

# ---------------------------------------------------------------- the server

sub immediate
{
	my ($self) = @_;

	$self->{node}->stop('immediate');
	$self->{node}->start;
	$self->note_crash('immediate');
	return;
}

sub power
{
	my ($self) = @_;

	Pgdf::Test::kill9_server($self->{node});
	$self->{node}->start;
	$self->note_crash('power');
	return;
}

# The server ends all its processes when one of them dies, and recovers.
sub backend
{
	my ($self) = @_;
	my $started = sub { return $self->query('SELECT pg_postmaster_start_time(), pid FROM pg_stat_activity '
		. "WHERE backend_type = 'checkpointer'") // ''; };
	my $before = $started->();
	my $pid = $self->query(q{SELECT pid FROM pg_stat_activity WHERE usename = 'regress_worker' ORDER BY random() LIMIT 1});

	return if !$pid || !kill9($pid);
	poll(sub { my $now = $started->(); return $now ne '' && $now ne $before; }, 30) or die "the server did not recover\n";
	$self->note_crash('backend');
	return;
}

sub kill9 { return CORE::kill('KILL', $_[0]); }

sub note_crash
{
	my ($self, $kind) = @_;

	push @{ $self->{crashed} }, { kind => $kind, time => time() };
	return;
}

# What a statement returns; undef when the server does not answer.
sub query
{
	my ($self, $sql) = @_;
	my ($out, $err);
	my $status = eval { $self->{node}->psql('postgres', $sql, stdout => \$out, stderr => \$err) };

	return defined $status && $status == 0 ? $out : undef;
}

1;
