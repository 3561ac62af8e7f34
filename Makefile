# zonegate: build, install, try, test.  `make help` lists the targets.
PREFIX     ?= /usr
SYSCONFDIR ?= /etc
SBINDIR    ?= $(PREFIX)/sbin
MANDIR     ?= $(PREFIX)/share/man
UNITDIR    ?= $(PREFIX)/lib/systemd/system
DESTDIR    ?=

CC         ?= gcc
PKG_CONFIG ?= pkg-config
SAN        ?=
WERROR     ?=
V          ?= 0

comma := ,
tag   := $(if $(findstring clang,$(CC)),-clang)$(if $(SAN),-san)
B     ?= build$(tag)

PKGS_COMMON := libnftnl libmnl libnetfilter_queue libconfig libseccomp libcap-ng libsystemd nettle jansson libpcap
# deferred, so that `make help` and `make clean` work before the libraries are there
PKG_CFLAGS   = $(shell $(PKG_CONFIG) --cflags $(PKGS_COMMON))
PKG_LIBS     = $(shell $(PKG_CONFIG) --libs $(PKGS_COMMON))
CHECK_CFLAGS = $(shell $(PKG_CONFIG) --cflags check)
CHECK_LIBS   = $(shell $(PKG_CONFIG) --libs check)

VERSION := $(shell cat VERSION 2>/dev/null)

WARN   := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wcast-qual \
          -Wconversion -Wformat=2 -Wvla $(if $(WERROR),-Werror)
HARDEN := -fstack-protector-strong -fPIE -ftrivial-auto-var-init=zero $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)

CFLAGS  ?= -O2 -g
override CPPFLAGS += -D_GNU_SOURCE -DZG_VERSION='"$(VERSION)"' -DZG_SYSCONFDIR='"$(SYSCONFDIR)"' -Iinclude -Isrc -MMD -MP
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

-include $(shell find $(B) -name '*.d' 2>/dev/null)

.PHONY: all unit replayers demo check lab-up lab-down lab-log lab-hosts lab-list lab-stop lab-start
.DELETE_ON_ERROR:
.SECONDARY:
