# bench/lib/Bench/Floors.pm: what PostgreSQL itself does with the same payloads, measured on demand and once a run.
#
#   round_trip       SELECT 1, one client: a second's worth
#   insert1/2/8      single-row inserts, one commit each, by so many clients
#   batch1 ... 1000  claim, then complete with history, by plain SQL: two statements and two commits a batch

package Bench::Floors;

use strict;
use warnings;

use Bench::Server qw(client conninfo fresh_database pgbench sql);
use Exporter 'import';

our @EXPORT_OK = qw(floor_rate measure_floors floor_rows);

# how long each is measured, in seconds
my $seconds = $ENV{FLOOR_SECONDS} // 3;

my %floors = (
	round_trip => \&round_trip,
	(map { my $clients = $_; ("insert$_" => sub { insert_rate($clients) }) } 1, 2, 8),
	(map { my $batch = $_; ("batch$_" => sub { batch_rate($batch) }) } 1, 10, 100, 1000),
);
my @order = qw(round_trip insert1 insert2 insert8 batch1 batch10 batch100 batch1000);
my %measured;

my $insert = "INSERT INTO floor.events (payload) VALUES (floor.payload(1));\n";
my $claim_and_complete = <<'SQL';
UPDATE floor.queue SET state = 1, claimed_by = 1
 WHERE id = ANY (ARRAY(SELECT id FROM floor.queue WHERE state = 0 ORDER BY id LIMIT :batch FOR UPDATE SKIP LOCKED))
RETURNING id, payload;
WITH done AS (DELETE FROM floor.queue WHERE state = 1 AND claimed_by = 1 RETURNING id, payload)
INSERT INTO floor.history SELECT id, 2, now(), payload FROM done;
SQL

# A floor's rate, a second; undef for no name.
sub floor_rate
{
	my ($name) = @_;

	return undef if !defined $name;
	measure_floors() if !%measured;
	return $measured{$name};
}

# All of them, one after the other, in a database of their own.
sub measure_floors
{
	fresh_database('bench_floors');
	$measured{$_} = $floors{$_}->() foreach @order;
	return;
}

sub floor_rows { return map { [ $_, $measured{$_} ] } grep { defined $measured{$_} } @order; }

sub round_trip
{
	my @us = split(' ', client('pairs', conninfo(), 5000, 0, 'SELECT', 'SELECT 1'));
	my $total = 0;

	$total += $_ foreach @us;
	return @us / ($total / 1e6);
}

sub insert_rate
{
	my ($clients) = @_;

	return pgbench($insert, clients => $clients, seconds => $seconds);
}

sub batch_rate
{
	my ($batch) = @_;
	my $count = $batch == 1 ? 1500 : $batch == 10 ? 1500 : $batch == 100 ? 500 : 60;

	sql('CALL floor.fill(' . $batch * $count . ')');
	sql('VACUUM ANALYZE floor.queue, floor.history');
	return $batch * pgbench($claim_and_complete, count => $count, define => { batch => $batch });
}

1;
