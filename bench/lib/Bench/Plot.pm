# bench/lib/Bench/Plot.pm: rate against n of the workloads that were measured at several sizes, as SVG.  Both axes are
# logarithmic, so that a rate which does not depend on n is a level line.

package Bench::Plot;

use strict;
use warnings;

use POSIX ();

use Exporter 'import';

our @EXPORT_OK = qw(write_plot);

my ($width, $height, $left, $right, $top, $bottom) = (760, 440, 70, 110, 30, 50);
my @colours = ('#1b6ca8', '#c0392b', '#2e8b57', '#8e44ad', '#b9770e', '#444444');

sub write_plot
{
	my ($path, @rows) = @_;
	my %series;

	push @{ $series{ $_->{workload} } }, $_ foreach grep { $_->{n} && $_->{rate} } @rows;
	delete @series{ grep { @{ $series{$_} } < 2 } keys %series };
	return 0 if !%series;

	my @points = map { @{$_} } values %series;
	my ($first_n, $last_n) = decades(map { $_->{n} } @points);
	my ($first_rate, $last_rate) = decades(map { $_->{rate} } @points);
	my $x = sub { return $left + ($width - $left - $right) * (log10($_[0]) - $first_n) / ($last_n - $first_n); };
	my $y = sub { return $height - $bottom - ($height - $top - $bottom) * (log10($_[0]) - $first_rate) / ($last_rate - $first_rate); };
	my $svg = qq{<svg xmlns="http://www.w3.org/2000/svg" width="$width" height="$height" font-family="sans-serif" font-size="12">\n}
	  . qq{<rect width="100%" height="100%" fill="white"/>\n};

	foreach my $power ($first_n .. $last_n)
	{
		$svg .= line($x->(10**$power), $top, $x->(10**$power), $height - $bottom, '#dddddd')
		  . label($x->(10**$power), $height - $bottom + 18, 10**$power, 'middle');
	}
	foreach my $power ($first_rate .. $last_rate)
	{
		$svg .= line($left, $y->(10**$power), $width - $right, $y->(10**$power), '#dddddd')
		  . label($left - 8, $y->(10**$power) + 4, 10**$power, 'end');
	}
	$svg .= label(($left + $width - $right) / 2, $height - 12, 'n', 'middle') . label($left, $top - 12, 'per second', 'middle');

	my $number = 0;
	foreach my $name (sort keys %series)
	{
		my $colour = $colours[ $number++ % @colours ];
		my @sorted = sort { $a->{n} <=> $b->{n} } @{ $series{$name} };
		my $path_data = join(' ', map { sprintf('%.1f,%.1f', $x->($_->{n}), $y->($_->{rate})) } @sorted);

		$svg .= qq{<polyline points="$path_data" fill="none" stroke="$colour" stroke-width="2"/>\n};
		$svg .= sprintf(qq{<circle cx="%.1f" cy="%.1f" r="3" fill="$colour"/>\n}, $x->($_->{n}), $y->($_->{rate})) foreach @sorted;
		$svg .= label($x->($sorted[-1]{n}) + 8, $y->($sorted[-1]{rate}) + 4, $name, 'start', $colour);
	}
	open(my $file, '>', $path) or die "could not write \"$path\": $!\n";
	print $file $svg, "</svg>\n";
	close($file) or die "could not write \"$path\": $!\n";
	return 1;
}

sub log10 { return log($_[0]) / log(10); }

# The powers of ten around the values; at least two.
sub decades
{
	my ($min, $max) = (sort { $a <=> $b } @_)[ 0, -1 ];
	my $first = POSIX::floor(log10($min) + 1e-9);
	my $last = POSIX::ceil(log10($max) - 1e-9);

	return ($first, $last > $first ? $last : $first + 1);
}

sub line
{
	my ($x1, $y1, $x2, $y2, $colour) = @_;

	return sprintf(qq{<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="$colour"/>\n}, $x1, $y1, $x2, $y2);
}

sub label
{
	my ($x, $y, $text, $anchor, $colour) = @_;

	return sprintf(qq{<text x="%.1f" y="%.1f" text-anchor="$anchor" fill="%s">$text</text>\n}, $x, $y, $colour // '#222222');
}

1;
