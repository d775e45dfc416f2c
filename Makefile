# Makefile: delegates to extension/ (PGXS), worker/ and test/.  `make help` lists the targets.

PG_CONFIG ?= pg_config
export PG_CONFIG
prefix ?= /usr/local
bindir ?= $(prefix)/bin
includedir ?= $(prefix)/include
mandir ?= $(prefix)/share/man
unitdir ?= $(prefix)/lib/systemd/system
INSTALL ?= install

VERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" extension/pgdf.control)
COMMENT := $(shell sed -n "s/^comment *= *'\(.*\)'.*/\1/p" extension/pgdf.control)
# one build at a time in one tree, however many makes run in it
EXTENSION_MAKE = flock extension $(MAKE) -C extension
WORKER_MAKE = flock worker $(MAKE) -C worker
UNIT_MAKE = flock test/unit $(MAKE) -C test/unit
FUZZ_MAKE = flock test/fuzz $(MAKE) -C test/fuzz
C_FILES = $(filter-out %.gen.h,$(wildcard extension/*.[ch] worker/*.[ch] test/unit/*.[ch] test/fuzz/*.[ch] test/modules/*.[ch] test/model/*.[ch] \
	test/faults/*.c test/chaos/*.c))
SHELL_FILES = .ci/run bench/run test/run test/versions test/valgrind test/lib/scratch.sh test/lib/lint test/demo.sh packaging/deps packaging/servers packaging/demo/run \
	packaging/tools/indent packaging/tools/manpage

all: extension worker  ## build the extension and the worker (default)

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z_.-]*:.*## / { printf "%-24s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

deps:  ## install what is needed to build and to test (packages of Debian or Ubuntu, npm)
	packaging/deps

extension:
	+$(EXTENSION_MAKE)

worker:
	+$(WORKER_MAKE)

unit: worker
	+$(UNIT_MAKE)

install: all  ## install into the server of PG_CONFIG= and below prefix=/usr/local; DESTDIR= is obeyed
	+$(EXTENSION_MAKE) install
	+$(WORKER_MAKE) install prefix='$(prefix)' bindir='$(bindir)' includedir='$(includedir)'
	$(INSTALL) -d '$(DESTDIR)$(mandir)/man1' '$(DESTDIR)$(unitdir)'
	packaging/tools/manpage worker/pgdf > '$(DESTDIR)$(mandir)/man1/pgdf.1'
	chmod 644 '$(DESTDIR)$(mandir)/man1/pgdf.1'
	for unit in worker gateway; do \
		sed 's#@bindir@#$(bindir)#' packaging/pgdf-$$unit.service.in > '$(DESTDIR)$(unitdir)'/pgdf-$$unit.service && \
		chmod 644 '$(DESTDIR)$(unitdir)'/pgdf-$$unit.service || exit 1; \
	done

uninstall:  ## remove what install put there
	+$(EXTENSION_MAKE) uninstall
	rm -f '$(DESTDIR)$(bindir)/pgdf' '$(DESTDIR)$(includedir)/pgdf_activity.h' '$(DESTDIR)$(mandir)/man1/pgdf.1' '$(DESTDIR)$(unitdir)/pgdf-worker.service' \
		'$(DESTDIR)$(unitdir)/pgdf-gateway.service'

installcheck: worker  ## run the SQL tests on a running server that has pgdf installed (PGHOST, PGPORT ...)
	test/run --installcheck

demo:  ## back up DIR=/usr/share/doc with a private server and a worker; KEEP=1 leaves them running
	packaging/demo/run

demo-stop:  ## stop what KEEP=1 left running
	packaging/demo/run stop

check: deps  ## every test, in a scratch installation, after installing what is missing
	+$(MAKE) all unit fuzz-build
	+$(WORKER_MAKE) SANITIZE=1
	+$(UNIT_MAKE) SANITIZE=1
	test/run

check-unit: all unit  ## the tests of pure C
	test/run unit

check-regress: all  ## SQL, one connection
	test/run regress

check-isolation: all  ## SQL, races
	test/run isolation

check-tap: all  ## processes, crashes, HTTP
	test/run tap

chaos: all  ## kill, stop and crash at random; TASKS=10000 WORKERS=6 KILLS=60 CRASHES=4 PAUSE=0.12 SEED=
	CHAOS_TASKS='$(TASKS)' CHAOS_WORKERS='$(WORKERS)' CHAOS_KILLS='$(KILLS)' CHAOS_CRASHES='$(CRASHES)' \
		CHAOS_PAUSE='$(PAUSE)' CHAOS_SEED='$(SEED)' CHAOS_CALM='$(CALM)' \
		test/run --exec perl test/chaos/run.pl

check-fuzz: all fuzz-build  ## parsers, a few seconds of random bytes each
	test/run fuzz

soak: all  ## steady work with a fault every minute; HOURS=1 RATE=100 (activities a second)
	HOURS='$(HOURS)' RATE='$(RATE)' SEED='$(SEED)' test/run --exec perl test/soak/run.pl

check-upgrade: all  ## released versions, updated, against a fresh install
	test/run upgrade

check-versions:  ## SQL tests and updates with every PostgreSQL that is installed, and 16 and 18; VERSIONS=pg_config ... names others
	packaging/servers
	test/versions $(VERSIONS)

fuzz-build: worker
	+$(FUZZ_MAKE)

fuzz: fuzz-build  ## feed the parsers MINUTES=10 of random bytes each; what grows and is found stays in build/fuzz
	mkdir -p build/fuzz/found
	perl test/lib/fuzz.pl --program build/fuzz/fuzz --corpus test/fuzz/corpus --grown build/fuzz/grown \
		--found build/fuzz/found --seconds "$$(($(or $(MINUTES),10) * 60))" $$(build/fuzz/fuzz)

freeze: all  ## keep today's install script as the released one of its version
	mkdir -p test/upgrade
	cp extension/pgdf--$(VERSION).sql test/upgrade/

asan: all  ## unit tests and every worker test with AddressSanitizer and UBSan
	+$(WORKER_MAKE) SANITIZE=1
	+$(UNIT_MAKE) SANITIZE=1
	PGDF_PROGRAM=worker/pgdf-asan test/run sanitize tap

check-sanitize: all  ## unit tests and the tests that feed the worker from outside, with the sanitizers
	+$(WORKER_MAKE) SANITIZE=1
	+$(UNIT_MAKE) SANITIZE=1
	test/run sanitize

valgrind: all  ## SQL tests with the server below valgrind (needs it installed); FILES= picks some
	test/valgrind $(FILES)

bench: all  ## floors and workloads, measured; WORKLOADS="W1 W3", N=10000 pick (see bench/README.md)
	bench/run

indent:  ## lay out the C files (needs pg-bsd-indent)
	packaging/tools/indent $(C_FILES)

indent-check:  ## show what indent would change
	packaging/tools/indent --check $(C_FILES)

typedefs: all  ## generate packaging/tools/typedefs.list
	packaging/tools/indent --typedefs > packaging/tools/typedefs.list

lint: lint-rules lint-shell lint-cppcheck lint-tidy  ## the project's own rules; other checkers where they are installed

lint-rules:
	test/lib/lint

lint-shell:
	if command -v shellcheck; then shellcheck -x $(SHELL_FILES); fi

lint-cppcheck:
	if command -v cppcheck; then \
		cppcheck --quiet --error-exitcode=1 --inline-suppr --enable=warning,portability -D_GNU_SOURCE worker; \
	fi

lint-tidy:
	if command -v clang-tidy && [ -f compile_commands.json ]; then \
		clang-tidy --quiet $(wildcard worker/*.c) && clang-tidy --quiet $(wildcard extension/*.c); \
	fi

compile_commands.json:  ## for editors and clang-tidy (needs bear)
	bear -- $(MAKE) -B all

META.json: META.json.in extension/pgdf.control
	sed 's/@VERSION@/$(VERSION)/; s/@COMMENT@/$(COMMENT)/' META.json.in > $@

dist: META.json  ## an archive for PGXN in build/, of the last commit
	mkdir -p build
	git archive --format=zip --prefix=pgdf-$(VERSION).0/ --add-file=META.json \
		-o build/pgdf-$(VERSION).0.zip HEAD

clean:  ## leave a pristine tree
	+$(EXTENSION_MAKE) clean
	+$(WORKER_MAKE) clean
	+$(UNIT_MAKE) clean
	+$(MAKE) -C bench clean
	rm -rf build compile_commands.json META.json
	[ ! -d demo ] || packaging/demo/run stop
	rm -rf demo

.PHONY: all help deps extension worker unit install uninstall installcheck demo demo-stop check check-unit \
	chaos soak check-regress check-isolation check-tap check-fuzz check-upgrade check-versions fuzz fuzz-build freeze asan check-sanitize valgrind bench indent indent-check typedefs lint lint-rules \
	lint-shell lint-cppcheck lint-tidy compile_commands.json dist clean
