# zonegate: build, install, try, test.  `make help` lists the targets.
PREFIX     ?= /usr
SYSCONFDIR ?= /etc
SBINDIR    ?= $(PREFIX)/sbin
MANDIR     ?= $(PREFIX)/share/man
UNITDIR    ?= $(PREFIX)/lib/systemd/system
CATALOGDIR ?= $(PREFIX)/lib/systemd/catalog
SYSUSERSDIR?= $(PREFIX)/lib/sysusers.d
COMPDIR    ?= $(PREFIX)/share/bash-completion/completions
DOCDIR     ?= $(PREFIX)/share/doc/zonegate
DESTDIR    ?=

CC         ?= gcc
PKG_CONFIG ?= pkg-config
SAN        ?=
WERROR     ?=
V          ?= 0

comma := ,
tag   := $(if $(findstring clang,$(CC)),-clang)$(if $(SAN),-san)
B     ?= build$(tag)

PKGS_COMMON := libnftnl libmnl libnetfilter_queue libconfig libseccomp libcap-ng libsystemd nettle jansson libpcap zlib
# deferred, so that `make help` and `make clean` work before the libraries are there
PKG_CFLAGS   = $(shell $(PKG_CONFIG) --cflags $(PKGS_COMMON))
PKG_LIBS     = $(shell $(PKG_CONFIG) --libs $(PKGS_COMMON))
CHECK_CFLAGS = $(shell $(PKG_CONFIG) --cflags check)
CHECK_LIBS   = $(shell $(PKG_CONFIG) --libs check)

VERSION := 0.1.0
TEST_BUILD ?= # not empty: a configuration may name inspectors that let everything pass

WARN   := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual \
          -Wconversion -Wformat=2 -Wvla $(if $(WERROR),-Werror)
# clang 14 does not know zero without a switch; the pattern shows in tests what zero would hide
AUTO_INIT := $(if $(findstring clang,$(CC)),pattern,zero)
HARDEN := -fstack-protector-strong -fPIE -ftrivial-auto-var-init=$(AUTO_INIT) $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)

CFLAGS  ?= -O2 -g
override CPPFLAGS += -D_GNU_SOURCE -DZG_VERSION='"$(VERSION)$(if $(TEST_BUILD),+test)"' -DZG_SYSCONFDIR='"$(SYSCONFDIR)"' $(if $(TEST_BUILD),-DZG_TEST_BUILD=1) -Iinclude -Isrc -MMD -MP
ALL_CFLAGS  = -std=c11 $(WARN) $(HARDEN) $(SANFLAGS) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SANFLAGS) $(LDFLAGS)

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-5s %s\n'
endif

MAINS    := src/main/zonegated.c src/ctl/zonegatectl.c
LIB_SRC  := $(filter-out $(MAINS),$(sort $(wildcard src/*/*.c)))
LIB_OBJ  := $(LIB_SRC:%.c=$(B)/%.o)
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(B)/tests/%)
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
REPLAYERS:= $(FUZZ_SRC:tests/fuzz/%.c=$(B)/fuzz/%)

all: $(B)/zonegated $(B)/zonegatectl

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(ALL_CFLAGS) -c $< -o $@

$(B)/libzonegate.a: $(LIB_OBJ)
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/zonegated: $(B)/src/main/zonegated.o $(B)/libzonegate.a
	$(say) LINK $@
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(PKG_LIBS) -o $@

$(B)/zonegatectl: $(B)/src/ctl/zonegatectl.o $(B)/libzonegate.a
	$(say) LINK $@
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(PKG_LIBS) -o $@

$(B)/tests/%.o: tests/unit/%.c
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(CHECK_CFLAGS) $(ALL_CFLAGS) -c $< -o $@

$(B)/tests/%: $(B)/tests/%.o $(B)/libzonegate.a
	$(say) LINK $@
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(CHECK_LIBS) $(PKG_LIBS) -o $@

# A fuzz target linked with a plain main that feeds it files: its corpus runs in every `make check`.
$(B)/fuzz/%: $(B)/tests/fuzz/%.o $(B)/tests/fuzz/replay_main.o $(B)/libzonegate.a
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(PKG_LIBS) -o $@

# For the lab and for measurements only: accepts inspectors that inspect nothing.  Never installed.
test-build:
	$(Q)$(MAKE) --no-print-directory B=build-test$(tag) TEST_BUILD=1 all

unit: $(UNIT_BIN)
replayers: $(REPLAYERS)

# What these need from Debian they install themselves.
demo:
	$(Q)scripts/deps demo
	$(Q)$(MAKE) --no-print-directory all
	$(Q)ZONEGATE_BUILD=$(B) scripts/demo

check:
	$(Q)scripts/deps check
	$(Q)tests/run

lab-up: all
	$(Q)ZONEGATE_BUILD=$(B) scripts/lab up
lab-down lab-log lab-hosts lab-list lab-stop lab-start:
	$(Q)scripts/lab $(@:lab-%=%)

-include $(shell find $(B) -name '*.d' -type f 2>/dev/null)

# --- install, package ------------------------------------------------------------------------------------------
UNITS := zonegate-backstop.service zonegated.service

# An existing configuration is never touched: the sample then goes beside it as zonegate.conf.new.
install: all
	$(Q)if [ -n "$(TEST_BUILD)" ]; then echo "a test build is not to be installed" >&2; exit 1; fi
	$(say) INST $(DESTDIR)/
	$(Q)install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(SYSCONFDIR)/zonegate.lists $(DESTDIR)$(UNITDIR) $(DESTDIR)$(CATALOGDIR) \
		$(DESTDIR)$(SYSUSERSDIR) $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man7 $(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(DOCDIR) $(DESTDIR)$(COMPDIR)
	$(Q)install -m 755 $(B)/zonegated $(B)/zonegatectl $(DESTDIR)$(SBINDIR)
	$(Q)if [ ! -e $(DESTDIR)$(SYSCONFDIR)/zonegate.conf ]; then \
		install -m 644 conf/zonegate.conf $(DESTDIR)$(SYSCONFDIR)/zonegate.conf; \
	elif ! cmp -s conf/zonegate.conf $(DESTDIR)$(SYSCONFDIR)/zonegate.conf; then \
		install -m 644 conf/zonegate.conf $(DESTDIR)$(SYSCONFDIR)/zonegate.conf.new; \
	fi
	$(Q)for u in $(UNITS); do \
		sed 's,/usr/sbin/,$(SBINDIR)/,' systemd/$$u >$(DESTDIR)$(UNITDIR)/$$u && \
		chmod 644 $(DESTDIR)$(UNITDIR)/$$u || exit 1; done
	$(Q)install -m 644 systemd/*.catalog $(DESTDIR)$(CATALOGDIR)
	$(Q)install -m 644 systemd/zonegate.sysusers.conf $(DESTDIR)$(SYSUSERSDIR)/zonegate.conf
	$(Q)install -m 644 $(wildcard man/*.5) $(DESTDIR)$(MANDIR)/man5
	$(Q)install -m 644 $(wildcard man/*.7) $(DESTDIR)$(MANDIR)/man7
	$(Q)install -m 644 $(wildcard man/*.8) $(DESTDIR)$(MANDIR)/man8
	$(Q)install -m 644 scripts/completion/zonegatectl $(DESTDIR)$(COMPDIR)
	$(Q)install -m 644 README.md README.ja.md conf/zonegate.conf $(DESTDIR)$(DOCDIR)
	$(Q)install -d $(DESTDIR)$(DOCDIR)/towns && install -m 644 conf/towns/*.conf $(DESTDIR)$(DOCDIR)/towns
	$(Q)install -d $(DESTDIR)$(DOCDIR)/models && install -m 644 conf/models/*.conf $(DESTDIR)$(DOCDIR)/models

# Leaves the configuration and the state where they are.
uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/zonegated $(DESTDIR)$(SBINDIR)/zonegatectl $(UNITS:%=$(DESTDIR)$(UNITDIR)/%)
	rm -f $(patsubst systemd/%,$(DESTDIR)$(CATALOGDIR)/%,$(wildcard systemd/*.catalog))
	rm -f $(DESTDIR)$(COMPDIR)/zonegatectl
	rmdir --ignore-fail-on-non-empty $(DESTDIR)$(SYSCONFDIR)/zonegate.lists
	rm -f $(DESTDIR)$(SYSUSERSDIR)/zonegate.conf $(DESTDIR)$(SYSCONFDIR)/zonegate.conf.new
	rm -f $(patsubst man/%,$(DESTDIR)$(MANDIR)/man5/%,$(wildcard man/*.5))
	rm -f $(patsubst man/%,$(DESTDIR)$(MANDIR)/man7/%,$(wildcard man/*.7))
	rm -f $(patsubst man/%,$(DESTDIR)$(MANDIR)/man8/%,$(wildcard man/*.8))
	rm -rf $(DESTDIR)$(DOCDIR)

deb: all
	$(say) DEB $(B)/
	$(Q)scripts/packaging/deb/build $(B)

# --- fuzz, bench -----------------------------------------------------------------------------------------------
# libFuzzer, one target after the other, FUZZ_SECONDS each; what it finds stays in build-fuzz/found/NAME and
# crashes in build-fuzz/.  FUZZ=NAME runs one target only.
FUZZ_SECONDS ?= 60
FUZZ ?= $(FUZZ_SRC:tests/fuzz/fuzz_%.c=%)

fuzz:
	$(Q)scripts/deps fuzz
	@$(MAKE) --no-print-directory CC=clang B=build-fuzz SAN=fuzzer-no-link,address,undefined \
		$(FUZZ:%=build-fuzz/libfuzzer/%)
	@for t in $(FUZZ); do mkdir -p build-fuzz/found/$$t tests/corpus/$$t; echo "fuzz $$t: $(FUZZ_SECONDS) s"; \
		build-fuzz/libfuzzer/$$t -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=build-fuzz/$$t- -timeout=10 \
			-print_final_stats=1 -verbosity=0 build-fuzz/found/$$t tests/corpus/$$t || exit 1; done

build-fuzz/libfuzzer/%: build-fuzz/tests/fuzz/fuzz_%.o build-fuzz/libzonegate.a
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer $^ $(PKG_LIBS) -o $@

# What the boundary costs, against plain forwarding and against a queue program that does nothing; BENCH="--help".
# The stream inspector, which every byte passes, is in test builds only.
BENCH ?=
bench:
	$(Q)scripts/deps bench
	$(Q)$(MAKE) --no-print-directory test-build bench-tools
	$(Q)tests/bench/run --tools $(B)/bench --build build-test$(tag) --json $(B)/bench/result.json $(BENCH)

# More of what the tests draw at random, and of what they repeat: an hour at most.
soak:
	$(Q)$(MAKE) --no-print-directory all unit test-build
	$(Q)ZG_TEST_POLICIES=10000 ZG_TEST_SEED=$${SEED:-1} $(B)/tests/test_policies
	$(Q)ZONEGATE_BUILD=$(B) ZG_TEST_CHANGES=10000 tests/lab/test_changes.py

bench-tools: $(B)/bench/noop $(B)/bench/load $(B)/bench/policy $(B)/bench/packet

# The engine on one processor, without a kernel: the upper bound of one inspector process; and with many connections.
bench-engine: $(B)/bench/engine $(B)/bench/flows
	$(Q)$(B)/bench/engine
	$(Q)$(B)/bench/flows

$(B)/bench/%: $(B)/tests/bench/%.o $(B)/libzonegate.a
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(PKG_LIBS) -o $@

clean:
	rm -rf build build-*

help:
	@echo 'make                  zonegated and zonegatectl in build/  (CC=clang, SAN=address,undefined, WERROR=1, V=1)'
	@echo 'sudo make demo        a three-zone boundary in network namespaces, with a real mail server'
	@echo 'sudo make check       every test; what is missing from Debian 12 is installed first'
	@echo 'sudo make lab-up       the same boundary to play with; lab-down, lab-log, lab-hosts, lab-list (scripts/lab --help)'
	@echo 'make test-build       build-test/: for tests and measurements only, accepts inspectors that inspect nothing'
	@echo 'sudo make install     into DESTDIR, PREFIX=/usr, SYSCONFDIR=/etc; keeps an existing zonegate.conf'
	@echo 'sudo make uninstall   removes what install put there; keeps configuration and state'
	@echo 'make deb              build/zonegate_VERSION_ARCH.deb'
	@echo 'make fuzz             libFuzzer over every parser: FUZZ_SECONDS=60, FUZZ=NAME for one'
	@echo 'sudo make bench       what the boundary costs: against plain forwarding and a queue program that does nothing;'
	@echo '                      BENCH="--only one --rounds 1", BENCH="--policy 100000", BENCH=--help; make bench-engine: the engine without a kernel'
	@echo 'sudo make soak        10,000 random policies, 10,000 changes under traffic'
	@echo 'make clean            removes the build directories'

.PHONY: all test-build unit replayers demo check lab-up lab-down lab-log lab-hosts lab-list lab-stop lab-start
.PHONY: install uninstall deb fuzz soak bench bench-tools bench-engine clean help
.DELETE_ON_ERROR:
.SECONDARY:
