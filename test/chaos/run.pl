# test/chaos/run.pl: the chaos driver with parameters of your own; see make chaos.
#
#   TASKS WORKERS KILLS CRASHES STOPS TERMS DISCONNECTS HOLES PAUSE SEED CALM in the environment.

use strict;
use warnings;

use Pgdf::Chaos;
use Pgdf::Test;

my %options = map { lc($_) => $ENV{"CHAOS_$_"} } grep { defined $ENV{"CHAOS_$_"} && $ENV{"CHAOS_$_"} ne '' }
  qw(TASKS WORKERS KILLS CRASHES STOPS TERMS DISCONNECTS HOLES PAUSE SEED CALM);
my $report = chaos(%options);

diag($_) foreach report_lines($report), map { "  $_" } @{ $report->{wrong} };
is(scalar(@{ $report->{wrong} }), 0, 'every promise was kept');
done_testing();
