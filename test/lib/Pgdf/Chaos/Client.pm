# test/lib/Pgdf/Chaos/Client.pm: a client that never gives up, and writes down what was acknowledged.
#
# One psql per role, begun anew when its connection is lost.  An operation is a statement that may be repeated; it is
# done when it was acknowledged and returned true.  Then a line goes into the log, which is synced before the next one
# is begun: what the log has, the database must have for ever.

package Pgdf::Chaos::Client;

use strict;
use warnings;

use IO::Handle;
use IPC::Open3;
use Time::HiRes qw(sleep time);

# sessions => {role => connection string}, log => path
sub new
{
	my ($class, %opts) = @_;

	open(my $log, '>>', $opts{log}) or die "could not open \"$opts{log}\": $!";
	return bless { %opts, log_file => $log, psql => {}, n => 0, retries => 0 }, $class;
}

# Do all of the operations, each {role, sql, note, after => note of another one}, at most one each $pace seconds.
sub run
{
	my ($self, $pace, @operations) = @_;
	my (%done, %waiting);

	while (@operations)
	{
		my $operation = shift @operations;
		my $after = $operation->{after};

		if (defined $after && !$done{$after})
		{
			push @{ $waiting{$after} }, $operation;
			next;
		}
		if ($self->execute($operation->{role}, $operation->{sql}))
		{
			my $note = $operation->{note};

			$self->acknowledge($note);
			$done{$note} = 1;
			@operations = somewhere(\@operations, @{ delete $waiting{$note} // [] });
		}
		else
		{
			@operations = somewhere(\@operations, $operation);
		}
		sleep($pace);
	}
	return;
}

# The list with some more in it.
sub somewhere
{
	my ($list, @more) = @_;
	my @all = @{$list};

	splice(@all, int(rand(@all + 1)), 0, $_) foreach @more;
	return @all;
}

sub acknowledge
{
	my ($self, $note) = @_;

	syswrite($self->{log_file}, "$note\n") or die "could not write the log: $!";
	$self->{log_file}->sync or die "could not sync the log: $!";
	return;
}

# True when the statement was committed and returned something that is neither false nor empty.
sub execute
{
	my ($self, $role, $sql) = @_;
	my $psql = $self->{psql}{$role} //= $self->connect($role);
	my $mark = '@' . ++$self->{n};
	my ($answer, $line) = ('');

	return $self->lost($role) if !$psql;
	local $SIG{PIPE} = 'IGNORE';
	print { $psql->{in} } "$sql;\n\\echo $mark :ERROR\n" or return $self->lost($role);
	while (defined($line = readline($psql->{out})))
	{
		chomp($line);
		if ($line =~ /^\Q$mark\E (\w+)$/)
		{
			# psql may live on without its connection
			return $1 eq 'true' ? $self->lost($role) : $answer ne '' && $answer ne 'f';
		}
		$answer = $line;
	}
	return $self->lost($role);
}

sub connect
{
	my ($self, $role) = @_;
	my %psql;

	$psql{pid} = open3($psql{in}, $psql{out}, '>&STDERR', 'psql', '-XAtq', '-d', $self->{sessions}{$role}) or return;
	$psql{in}->autoflush(1);
	return \%psql;
}

sub lost
{
	my ($self, $role) = @_;
	my $psql = delete $self->{psql}{$role};

	if ($psql)
	{
		close($psql->{in});
		close($psql->{out});
		kill('KILL', $psql->{pid});
		waitpid($psql->{pid}, 0);
	}
	sleep(0.05);
	return 0;
}

1;
