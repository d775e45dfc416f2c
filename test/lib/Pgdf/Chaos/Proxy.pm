# test/lib/Pgdf/Chaos/Proxy.pm: a proxy that can become a black hole.
#
# It listens on a Unix socket and passes bytes on to the server's.  After SIGUSR1 it takes nothing and gives nothing,
# on connections that look alive, and after a while cuts them all.

package Pgdf::Chaos::Proxy;

use strict;
use warnings;

use IO::Select;
use IO::Socket::UNIX;
use POSIX ();
use Socket;
use Time::HiRes qw(sleep time);

# dir => where its socket goes, upstream => directory of the server's, port => of both, hole => seconds, at most
sub start
{
	my ($class, %opts) = @_;
	my $name = ".s.PGSQL.$opts{port}";
	my $listener = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => "$opts{dir}/$name", Listen => 20)
	  or die "could not listen in \"$opts{dir}\": $!";
	my $pid = fork() // die "could not fork: $!";

	if ($pid == 0)
	{
		eval { serve($listener, "$opts{upstream}/$name", $opts{hole} // 2); };
		POSIX::_exit(1);
	}
	close($listener);
	return bless { pid => $pid, dir => $opts{dir} }, $class;
}

sub cut { return kill('USR1', $_[0]{pid}); }

sub stop
{
	my ($self) = @_;

	return if !$self->{pid};
	local ($?, $!);
	kill('KILL', $self->{pid});
	waitpid($self->{pid}, 0);
	$self->{pid} = 0;
	return;
}

sub DESTROY { $_[0]->stop; }

sub serve
{
	my ($listener, $upstream, $hole) = @_;
	my $select = IO::Select->new($listener);
	my %peer;
	my $must_cut = 0;

	local $SIG{USR1} = sub { $must_cut = 1; };
	local $SIG{PIPE} = 'IGNORE';
	local $SIG{TERM} = 'DEFAULT';
	while (1)
	{
		my @ready = $select->can_read(0.5);

		if ($must_cut)
		{
			my $end = time() + rand($hole);

			sleep(0.02) while time() < $end;
			close_pair($select, \%peer, $_) foreach grep { defined } map { $_->[0] } values %peer;
			$must_cut = 0;
			next;
		}
		foreach my $socket (@ready)
		{
			if ($socket == $listener)
			{
				accept_pair($select, \%peer, $listener, $upstream);
			}
			elsif ($peer{ fileno($socket) // -1 } && !pass_on($socket, $peer{ fileno($socket) }[1]))
			{
				close_pair($select, \%peer, $socket);
			}
		}
	}
	return;
}

sub accept_pair
{
	my ($select, $peer, $listener, $upstream) = @_;
	my $client = $listener->accept or return;
	my $server = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $upstream) or return;

	$peer->{ fileno($client) } = [ $client, $server ];
	$peer->{ fileno($server) } = [ $server, $client ];
	$select->add($client, $server);
	return;
}

# False when either side is gone.
sub pass_on
{
	my ($from, $to) = @_;
	my $n = sysread($from, my $bytes, 65536);
	my $done = 0;

	return 0 if !$n;
	while ($done < $n)
	{
		my $written = syswrite($to, $bytes, $n - $done, $done);

		return 0 if !$written;
		$done += $written;
	}
	return 1;
}

sub close_pair
{
	my ($select, $peer, $socket) = @_;
	my $pair = defined fileno($socket) ? $peer->{ fileno($socket) } : undef;

	return if !$pair;
	foreach my $end (@{$pair})
	{
		$select->remove($end);
		delete $peer->{ fileno($end) };
		close($end);
	}
	return;
}

1;
