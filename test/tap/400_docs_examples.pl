# The examples of README.md, docs/*.md and sql/examples run, raise what they announce, and return what they announce.
#
# A file of sql/examples is run as it is.  Of a page every ```sql block is run, the blocks of a page in order in one session, in a database of the page's own with a
# worker, as a role that may register.  What is not meant to be run is a ```text block.  In a block
#   -- ERROR: 42704     announces an error of that SQLSTATE (one line for each, in their order)
#   -- => text          announces a line of output (unaligned, without headers), in their order
# A comment in the line before a block says otherwise:
#   <!-- as superuser -->         by a superuser
#   <!-- in a new database -->    by a superuser, in a database without the extension
# The worker has the commands of the page's ```json block with "exec", if there is one.
#
# Links from page to page lead somewhere.

use strict;
use warnings;

use File::Basename;
use JSON::PP;
use Pgdf::Test;

my $root = "$ENV{PGDF_TEST_DIR}/..";
my @pages = grep { -e } ("$root/README.md", sort glob("$root/docs/*.md"));
my @examples = sort glob("$root/sql/examples/*.sql");
my $node = new_node('main');
my $blobs = temp_dir();

plan(skip_all => 'there are no docs') if !@pages;
cmp_ok(scalar(@examples), '>=', 6, 'there are examples');
run_page(basename($_), { language => 'sql', text => slurp($_), line => 1, mode => '' }) foreach @examples;
foreach my $page (@pages)
{
	my @blocks = blocks_of($page);

	run_page(basename($page), @blocks) if grep { $_->{language} eq 'sql' } @blocks;
	is(join(' ', broken_links($page)), '', basename($page) . ': no broken link');
}
done_testing();

# { language, text, line, mode } of every fenced block
sub blocks_of
{
	my ($path) = @_;
	my (@blocks, $block, $mode);
	my $number = 0;

	foreach my $line (split(/\n/, slurp($path)))
	{
		$number++;
		if ($block)
		{
			if ($line =~ /^```\s*$/) { push @blocks, $block; ($block, $mode) = (); }
			else { $block->{text} .= "$line\n"; }
		}
		elsif ($line =~ /^```(\w*)\s*$/)
		{
			$block = { language => $1, text => '', line => $number, mode => $mode // '' };
		}
		else
		{
			$mode = $line =~ /^<!-- (as superuser|in a new database) -->$/ ? $1 : undef;
		}
	}
	is($block, undef, basename($path) . ': every block ends');
	return @blocks;
}

sub run_page
{
	my ($page, @blocks) = @_;
	my $db = 'docs_' . lc($page =~ s/\W/_/gr);
	my $worker = start_page($db, config_of(@blocks));
	my @sql = grep { $_->{language} eq 'sql' } @blocks;
	my ($out, $err) = run_blocks($db, grep { $_->{mode} ne 'in a new database' } @sql);

	foreach my $block (grep { $_->{mode} eq 'in a new database' } @sql)
	{
		my $new = "${db}_$block->{line}";
		my ($new_out, $new_err);

		$node->safe_psql('postgres', "CREATE DATABASE $new TEMPLATE template0");
		($new_out, $new_err) = run_blocks($new, $block);
		$out->{ $block->{line} } = $new_out->{ $block->{line} };
		$err->{ $block->{line} } = $new_err->{ $block->{line} };
	}
	check_block($page, $_, $out->{ $_->{line} }, $err->{ $_->{line} }) foreach @sql;
	is($worker->term, 0, "$page: the worker ended well");
	return;
}

# A database with the extension, and a worker in it.
sub start_page
{
	my ($db, $config) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $db TEMPLATE template0");
	$node->safe_psql($db, slurp("$ENV{PGDF_TEST_DIR}/lib/database.sql"));
	return start_worker(
		$node,
		db => $db,
		name => $db,
		config => $config,
		args => [ '--blob-store', "file://$blobs" ]);
}

# The commands that the page tells an operator to configure.
sub config_of
{
	my (@blocks) = @_;

	foreach my $block (grep { $_->{language} eq 'json' } @blocks)
	{
		my $config = eval { JSON::PP->new->decode($block->{text}) };

		ok($config, "the JSON at line $block->{line} is JSON");
		return { exec => $config->{exec} } if ref $config eq 'HASH' && $config->{exec};
	}
	return {};
}

# One psql session; returns output and errors of each block, by its line.
sub run_blocks
{
	my ($db, @blocks) = @_;
	my $script = "SET statement_timeout = '30s';\n\\set VERBOSITY verbose\n";
	my ($out, $err) = ('', '');

	foreach my $block (@blocks)
	{
		my $role = $block->{mode} eq '' ? 'SET ROLE regress_user;' : 'RESET ROLE;';

		$script .= "ROLLBACK;\n\\echo \@\@\@$block->{line}\n\\warn \@\@\@$block->{line}\n$role\n$block->{text}\n";
	}
	IPC::Run::run(
		[ $ENV{BINDIR} . '/psql', '-X', '-A', '-t', '-q', '-d', $node->connstr($db) . ' user=postgres' ],
		\$script, \$out, \$err, IPC::Run::timeout(180));
	return (by_block($out), by_block($err));
}

sub by_block
{
	my ($text) = @_;
	my (%parts, $line);

	foreach (split(/\n/, $text))
	{
		if (/^@@@(\d+)$/) { $line = $1; $parts{$line} = ''; }
		elsif (defined $line) { $parts{$line} .= "$_\n"; }
	}
	return \%parts;
}

sub check_block
{
	my ($page, $block, $out, $err) = @_;
	my $name = "$page: the example at line $block->{line}";
	my @expected_errors = $block->{text} =~ /^\s*-- ERROR: (\w{5})\b/mg;
	my @errors = ($err // 'it did not run') =~ /ERROR:  (\w{5}): /g;
	my @expected = $block->{text} =~ /^\s*-- => (.*?)\s*$/mg;
	my @missing = missing_lines(\@expected, split(/\n/, $out // ''));

	is("@errors", "@expected_errors", "$name raises what it says") or diag($err);
	ok($err !~ /^(invalid command|psql:.*error)/m, "$name is understood by psql") or diag($err);
	is("@missing", '', "$name returns what it says") or diag($out);
	return;
}

# Which of the expected lines do not come, in this order?
sub missing_lines
{
	my ($expected, @lines) = @_;
	my @wanted = @{$expected};

	foreach my $line (@lines)
	{
		shift @wanted if @wanted && $line eq $wanted[0];
	}
	return @wanted;
}

# Links to pages that are not there, or to headings that a page does not have.  (README.md and LICENSE may not be here.)
sub broken_links
{
	my ($page) = @_;
	my @broken;

	foreach my $link (slurp($page) =~ /\]\(([^)\s]+)\)/g)
	{
		my ($file, $anchor) = $link =~ /^([^#]*)#?(.*)$/;
		my $path = $file eq '' ? $page : dirname($page) . "/$file";

		next if $link =~ /^\w+:/ || $file =~ m{(^|/)(README\.md|LICENSE|CHANGELOG\.md)$};
		push @broken, $link if !-e $path || $anchor ne '' && !grep { $_ eq $anchor } anchors($path);
	}
	return @broken;
}

# The anchors that headings get: lower case, without punctuation, blanks as dashes.
sub anchors
{
	my ($path) = @_;

	return map { lc($_) =~ s/[^\w\s-]//gr =~ s/\s/-/gr } slurp($path) =~ /^#+ +(.*?)\s*$/mg;
}
