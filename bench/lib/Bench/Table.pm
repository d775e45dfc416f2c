# bench/lib/Bench/Table.pm: the results as a table for people and as JSON for programs.

package Bench::Table;

use strict;
use warnings;

use Exporter 'import';
use JSON::PP;

our @EXPORT_OK = qw(table_head table_row write_json);

# name, width, how it is printed
my @columns = (
	[ workload => -9, \&word ],
	[ n => 7, \&word ],
	[ seconds => 9, sub { number($_[0], 3) } ],
	[ rate => 9, sub { number($_[0], $_[0] < 100 ? 1 : 0) } ],
	[ floor => 9, sub { number($_[0], 0) } ],
	[ ratio => 6, sub { number($_[0], 2) } ],
	[ p50_ms => 7, sub { number($_[0], 2) } ],
	[ p95_ms => 7, sub { number($_[0], 2) } ],
	[ p99_ms => 7, sub { number($_[0], 2) } ],
	[ wal_mb => 7, sub { number($_[0], 1) } ],
	[ commits => 7, \&word ],
	[ server_s => 8, sub { number($_[0], 2) } ],
	[ worker_s => 8, sub { number($_[0], 2) } ],
	[ note => -1, \&word ],
);

# what the JSON has of a row
my @published = qw(workload n seconds rate floor ratio p50_ms p99_ms);

sub word { return $_[0]; }
sub number { return sprintf("%.$_[1]f", $_[0]); }

sub table_head { return join(' ', map { sprintf("%$_->[1]s", $_->[0]) } @columns) . "\n"; }

sub table_row
{
	my ($row) = @_;
	my $line = join(' ',
		map { sprintf("%$_->[1]s", defined $row->{ $_->[0] } ? $_->[2]->($row->{ $_->[0] }) : '') } @columns);

	return $line =~ s/\s+$//r . "\n";
}

sub write_json
{
	my ($path, @rows) = @_;
	my @items = map {
		my $row = $_;
		+{ map { $_ => (defined $row->{$_} && $_ ne 'workload' ? 0 + $row->{$_} : $row->{$_}) } @published };
	} @rows;

	open(my $file, '>', $path) or die "could not write \"$path\": $!\n";
	print $file JSON::PP->new->canonical->pretty->encode(\@items);
	close($file) or die "could not write \"$path\": $!\n";
	return;
}

1;
