# SPDX-License-Identifier: GPL-2.0-or-later
# One non-recursive makefile. `make` builds the programs, `make help` lists the rest.

VERSION    := 2.1.0
PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
LIBEXECDIR ?= $(PREFIX)/libexec/podman
MANDIR     ?= $(PREFIX)/share/man
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
SCHEMADIR  ?= $(PREFIX)/share/netavark/schemas
BUILD      ?= build/release
CC         ?= cc
PKG_CONFIG ?= pkg-config

# What the programs need, and what the tests need besides.
DEPS_BUILD := gcc make pkg-config libmnl-dev libnftnl-dev libnl-3-dev libjansson-dev libc-ares-dev \
	libevent-dev libcap-dev libmd-dev uthash-dev
DEPS_TEST  := $(DEPS_BUILD) clang libclang-rt-14-dev libcmocka-dev iproute2 iputils-ping nftables bats jq procps \
	socat bind9-dnsutils tcpdump strace python3-jsonschema netavark aardvark-dns podman crun conmon \
	busybox-static man-db mandoc
DEPS_LINT  := $(DEPS_TEST) clang-format clang-tidy cppcheck shellcheck
DEPS_DEMO  := $(DEPS_BUILD) iproute2 iputils-ping nftables bind9-dnsutils socat jq

WARN := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wpointer-arith \
	-Wformat=2 -Wvla -Wundef -Wwrite-strings -Wnull-dereference $(if $(WERROR),-Werror)
OPT  ?= -O2 -g
HARD ?= -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fPIE
LINK ?= -pie -Wl,-z,relro,-z,now -Wl,--as-needed
COMMIT := $(shell git rev-parse HEAD 2>/dev/null)
CPPFLAGS += -D_GNU_SOURCE -I. -DVERSION='"$(VERSION)"' -DCOMMIT='"$(COMMIT)"' \
	-DTARGET='"$(shell uname -m)-unknown-linux-gnu"' -DLIBEXECDIR='"$(LIBEXECDIR)"' \
	-DBUILD_TIME='"$(shell date -u -d @$(SOURCE_DATE_EPOCH) +%Y-%m-%dT%H:%M:%S+00:00)"' $(FLAVOUR)
CFLAGS   += -std=gnu11 $(OPT) $(WARN) $(HARD)
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || date +%s)
export SOURCE_DATE_EPOCH

PKGS_NETAVARK := libnl-3.0 libmnl libnftnl jansson libmd
PKGS_AARDVARK := libevent_core libcares libcap
PKGS_TEST     := cmocka
pkg = $(shell $(PKG_CONFIG) $(1) $(2))

PKG_CFLAGS := $(call pkg,--cflags,$(PKGS_NETAVARK) $(PKGS_AARDVARK))
CPPFLAGS += $(PKG_CFLAGS)

SRC_COMMON   := $(wildcard common/*.c)
SRC_NETAVARK := $(filter-out netavark/main.c,$(wildcard netavark/*.c netavark/*/*.c))
SRC_AARDVARK := $(filter-out aardvark-dns/main.c,$(wildcard aardvark-dns/*.c))
SRC_UNIT     := $(wildcard tests/unit/test_*.c)
obj = $(patsubst %.c,$(BUILD)/%.o,$(1))

PROGRAMS := $(BUILD)/netavark/netavark $(BUILD)/aardvark-dns/aardvark-dns
UNIT     := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(SRC_UNIT))

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-4s %s\n' $(1) $(2))

.PHONY: all
all: $(PROGRAMS)

$(BUILD)/%.o: %.c Makefile
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(EXTRA_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/libcommon.a: $(call obj,$(SRC_COMMON))
$(BUILD)/libnetavark.a: $(call obj,$(SRC_NETAVARK))
$(BUILD)/libaardvark.a: $(call obj,$(SRC_AARDVARK))
$(BUILD)/lib%.a:
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/netavark/netavark: $(BUILD)/netavark/main.o $(BUILD)/libnetavark.a $(BUILD)/libcommon.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(EXTRA_CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ $(call pkg,--libs,$(PKGS_NETAVARK))

$(BUILD)/aardvark-dns/aardvark-dns: $(BUILD)/aardvark-dns/main.o $(BUILD)/libaardvark.a $(BUILD)/libcommon.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(EXTRA_CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ $(call pkg,--libs,$(PKGS_AARDVARK) jansson libnl-3.0)

$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libnetavark.a $(BUILD)/libaardvark.a $(BUILD)/libcommon.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(EXTRA_CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ \
		$(call pkg,--libs,$(PKGS_NETAVARK) $(PKGS_AARDVARK) $(PKGS_TEST))

.PHONY: unit
unit: $(UNIT)

-include $(patsubst %.o,%.d,$(call obj,$(SRC_COMMON) $(SRC_NETAVARK) $(SRC_AARDVARK) $(SRC_UNIT) \
	netavark/main.c aardvark-dns/main.c))
