# test/lib/Pgdf/HttpServer.pm: an HTTP server that says what a test tells it to, and remembers what it was asked.
#
#   my $server = Pgdf::HttpServer->new(dir => temp_dir(), routes => {
#       '/hello' => sub { my ($request, $n) = @_; return { status => 200, body => 'hello' }; },
#       '/raw' => sub { my ($request, $n, $socket) = @_; print $socket ...; return undef; } });
#   $server->url('/hello'); $server->port; $server->requests('/hello');
#
# A request is { method, path, query, headers (lower case), body }; $n counts those to one path from 1.  Route '*' is for
# paths that have none.  A process serves each connection, one request on it, or with keep_alive => 1 any number.  It listens on 127.0.0.1, or with host => '::' on every address, and ends
# with the test, also when that is killed: a pipe, of which only the test has the other end, is then at its end.

package Pgdf::HttpServer;

use strict;
use warnings;

use Carp;
use Fcntl qw(:flock);
use IO::Select;
use IO::Socket::IP;
use JSON::PP;
use Pgdf::Process qw(slurp);
use POSIX ();

sub new
{
	my ($class, %opts) = @_;
	my $listener = IO::Socket::IP->new(Listen => 128, LocalHost => $opts{host} // '127.0.0.1',
		LocalPort => $opts{port} // 0, ReuseAddr => 1, V6Only => 0) or croak "could not listen: $@";
	my $self = bless { port => $listener->sockport, log => "$opts{dir}/requests", routes => $opts{routes},
		keep_alive => $opts{keep_alive}, owner => $$ }, $class;

	open(my $log, '>>', $self->{log}) or croak "could not write \"$self->{log}\": $!";
	close($log);
	pipe(my $test_lives, $self->{test_lives}) or croak "could not make a pipe: $!";
	$self->{pid} = fork() // croak "could not fork: $!";
	if ($self->{pid} == 0)
	{
		close(delete $self->{test_lives});
		$self->serve($listener, $test_lives);
	}
	return $self;
}

sub port { return $_[0]{port}; }
sub url { return "http://127.0.0.1:$_[0]{port}$_[1]"; }

# What was asked, of all paths or of one, oldest first.
sub requests
{
	my ($self, $path) = @_;
	my @requests = map { JSON::PP->new->decode($_) } split(/\n/, slurp($self->{log}));

	return grep { !defined $path || $_->{path} eq $path } @requests;
}

sub stop
{
	my ($self) = @_;

	return if !$self->{pid} || $self->{owner} != $$;
	kill('KILL', -$self->{pid});
	waitpid($self->{pid}, 0);
	$self->{pid} = undef;
	return;
}

sub DESTROY
{
	my ($self) = @_;
	local ($?, $!);

	$self->stop;
	return;
}

sub serve
{
	my ($self, $listener, $test_lives) = @_;
	my $wait = IO::Select->new($listener, $test_lives);

	setpgrp(0, 0);
	# a client that has gone meanwhile is not waited for
	$listener->blocking(0);
	$SIG{CHLD} = 'IGNORE';
	$SIG{PIPE} = 'IGNORE';
	$SIG{$_} = 'DEFAULT' foreach qw(TERM INT HUP);
	while (my @ready = $wait->can_read)
	{
		kill('KILL', -$$) if grep { $_ == $test_lives } @ready;
		my $socket = $listener->accept or next;
		my $pid = fork();

		if (defined $pid && $pid == 0)
		{
			close($listener);
			eval { while ($self->answer($socket)) { } 1 } or warn $@;
			close($socket);
			POSIX::_exit(0);
		}
		close($socket);
	}
}

sub answer
{
	my ($self, $socket) = @_;
	my $request = read_request($socket) or return 0;
	my $route = $self->{routes}{ $request->{path} } // $self->{routes}{'*'};
	my $n = $self->note($request);
	my $answer = $route ? $route->($request, $n, $socket) : { status => 404, body => 'no such page' };

	return 0 if !defined $answer;
	my $body = $answer->{body} // '';
	my %headers = ('Content-Length' => length($body), $self->{keep_alive} ? () : (Connection => 'close'), %{ $answer->{headers} // {} });
	my $head = "HTTP/1.1 $answer->{status} x\r\n";
	foreach my $name (sort keys %headers)
	{
		$head .= "$name: $_\r\n" foreach ref $headers{$name} ? @{ $headers{$name} } : $headers{$name};
	}
	$socket->print("$head\r\n" . ($request->{method} eq 'HEAD' ? '' : $body));
	$socket->flush;
	return $self->{keep_alive};
}

sub read_request
{
	my ($socket) = @_;
	my ($text, %headers) = ('');

	while ($text !~ /\r\n\r\n/)
	{
		sysread($socket, $text, 65536, length($text)) or return undef;
	}
	my ($head, $body) = split(/\r\n\r\n/, $text, 2);
	my ($first, @lines) = split(/\r\n/, $head);
	my ($method, $target) = split(/ /, $first);
	my ($path, $query) = split(/\?/, $target, 2);

	foreach (@lines)
	{
		my ($name, $value) = split(/:\s*/, $_, 2);
		$headers{ lc($name) } = $value;
	}
	while (length($body) < ($headers{'content-length'} // 0))
	{
		sysread($socket, $body, 65536, length($body)) or return undef;
	}
	return { method => $method, path => $path, query => $query, headers => \%headers, body => $body };
}

# Remember it; returns how many there were to that path.
sub note
{
	my ($self, $request) = @_;
	my $json = JSON::PP->new->canonical->ascii;

	open(my $log, '+>>', $self->{log}) or die "could not open log: $!";
	flock($log, LOCK_EX);
	syswrite($log, $json->encode($request) . "\n");
	my $n = grep { $_->{path} eq $request->{path} } map { $json->decode($_) } split(/\n/, slurp($self->{log}));
	close($log);
	return $n;
}

1;
