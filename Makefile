# SPDX-License-Identifier: GPL-2.0-or-later
# One non-recursive makefile. `make` builds the programs, `make help` lists the rest.

VERSION    := 2.1.0
PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
LIBEXECDIR ?= $(PREFIX)/libexec/podman
MANDIR     ?= $(PREFIX)/share/man
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
SCHEMADIR  ?= $(PREFIX)/share/netavark/schemas
UNITDIR    ?= $(PREFIX)/lib/systemd/system
BUILD      ?= build/release
CC         ?= cc
PKG_CONFIG ?= pkg-config

# What the programs need, and what the tests need besides. Debian 12 has virtiofsd in a package of QEMU's.
DEPS_BUILD := gcc libc6-dev make pkg-config libmnl-dev libnftnl-dev libip4tc-dev libip6tc-dev libnl-3-dev \
	libjansson-dev libc-ares-dev libevent-dev libcap-dev libseccomp-dev libmd-dev uthash-dev
DEPS_TEST  := $(DEPS_BUILD) clang libclang-rt-dev libcmocka-dev iproute2 iputils-ping nftables bats jq procps \
	conntrack socat bind9-dnsutils tcpdump strace python3-jsonschema netavark aardvark-dns iptables podman crun runc conmon \
	catatonit busybox-static man-db mandoc dnsmasq-base \
	knot-dnsutils musl-tools dbus-daemon dbus-bin python3-dbus python3-gi gir1.2-glib-2.0 python3-nftables
DEPS_TEST  += qemu-system-x86 cpio kmod xz-utils \
	$(shell grep -qs '^VERSION_CODENAME=bookworm' /etc/os-release || echo virtiofsd)
DEPS_COMPAT := mmdebstrap
DEPS_BENCH := $(DEPS_TEST) dnsperf
DEPS_LINT  := $(DEPS_TEST) clang-format clang-tidy cppcheck shellcheck
DEPS_DEMO  := $(DEPS_BUILD) iproute2 iputils-ping nftables bind9-dnsutils socat jq crun conmon busybox-static \
	golang-github-containers-common

WARN := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wpointer-arith \
	-Wformat=2 -Wvla -Wundef -Wwrite-strings -Wnull-dereference $(if $(WERROR),-Werror)
OPT  ?= -O2 -g
HARD ?= -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fPIE
LINK ?= -pie -Wl,-z,relro,-z,now -Wl,--as-needed
COMMIT := $(shell git rev-parse HEAD 2>/dev/null)
CPPFLAGS += -D_GNU_SOURCE -I. -DVERSION='"$(VERSION)"' -DCOMMIT='"$(COMMIT)"' \
	-DTARGET='"$(shell uname -m)-unknown-linux-gnu"' \
	-DBUILD_TIME='"$(shell date -u -d @$(SOURCE_DATE_EPOCH) +%Y-%m-%dT%H:%M:%S+00:00)"' $(FLAVOUR)
CFLAGS   += -std=gnu11 $(OPT) $(WARN) $(HARD)
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || date +%s)
export SOURCE_DATE_EPOCH

PKGS_NETAVARK := libnl-3.0 libmnl libnftnl libip4tc libip6tc jansson libmd
PKGS_AARDVARK := libevent_core libcares libcap libseccomp
PKGS_PROXY    := libevent_core libnl-3.0 jansson
PKGS_TJALK    := jansson libcap libnl-3.0
PKGS_TEST     := cmocka
# Quiet before `make deps`, when there is no pkg-config yet.
pkg = $(shell $(PKG_CONFIG) $(1) $(2) 2>/dev/null)

PKG_CFLAGS := $(call pkg,--cflags,$(PKGS_NETAVARK) $(PKGS_AARDVARK))
CPPFLAGS += $(PKG_CFLAGS)

SRC_COMMON   := $(wildcard common/*.c)
SRC_NETAVARK := $(filter-out netavark/main.c netavark/%/main.c,$(wildcard netavark/*.c netavark/*/*.c))
SRC_AARDVARK := $(filter-out aardvark-dns/main.c,$(wildcard aardvark-dns/*.c))
SRC_TJALK    := $(filter-out engine/main.c,$(wildcard engine/*.c engine/*/*.c))
SRC_UNIT     := $(wildcard tests/unit/test_*.c)
obj = $(patsubst %.c,$(BUILD)/%.o,$(1))

SRC_MAIN     := netavark/main.c netavark/dhcp-proxy/main.c netavark/dhcp-proxy-client/main.c aardvark-dns/main.c \
	engine/main.c
PROGRAMS := $(addprefix $(BUILD)/netavark/,netavark netavark-dhcp-proxy netavark-dhcp-proxy-client) \
	$(BUILD)/aardvark-dns/aardvark-dns $(BUILD)/engine/tjalk
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
$(BUILD)/libtjalk.a: $(call obj,$(SRC_TJALK))
$(BUILD)/lib%.a:
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/netavark/netavark: $(BUILD)/netavark/main.o $(BUILD)/libnetavark.a $(BUILD)/libcommon.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(EXTRA_CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ $(call pkg,--libs,$(PKGS_NETAVARK))

# `netavark dhcp-proxy` becomes it; they must be installed side by side.
$(BUILD)/netavark/netavark-%: $(BUILD)/netavark/%/main.o $(BUILD)/libnetavark.a $(BUILD)/libcommon.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(EXTRA_CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ $(call pkg,--libs,$(PKGS_PROXY))

$(BUILD)/aardvark-dns/aardvark-dns: $(BUILD)/aardvark-dns/main.o $(BUILD)/libaardvark.a $(BUILD)/libcommon.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(EXTRA_CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ $(call pkg,--libs,$(PKGS_AARDVARK) jansson libnl-3.0)

$(BUILD)/engine/tjalk: $(BUILD)/engine/main.o $(BUILD)/libtjalk.a $(BUILD)/libcommon.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(EXTRA_CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ $(call pkg,--libs,$(PKGS_TJALK))

$(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libnetavark.a $(BUILD)/libaardvark.a $(BUILD)/libtjalk.a $(BUILD)/libcommon.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(EXTRA_CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ \
		$(call pkg,--libs,$(PKGS_NETAVARK) $(PKGS_AARDVARK) $(PKGS_TEST))

.PHONY: unit
unit: $(UNIT)
.SECONDARY:

# ---- flavours: the same tree with other flags, in directories of their own ----

# With fault injection, for the tests; optimised as the release.
CHECK := build/check
CHECK_FLAGS := BUILD=$(CHECK) FLAVOUR=-DFAULT_INJECTION
# With clang, AddressSanitizer, UndefinedBehaviorSanitizer and gaps in the arena.
ASAN := build/asan
ASAN_FLAGS := BUILD=$(ASAN) FLAVOUR=-DFAULT_INJECTION CC=clang OPT="-O1 -g" HARD= LINK=-pie \
	EXTRA_CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"

JOBS ?= $(shell nproc)

.PHONY: build-check build-asan
build-check:
	@$(MAKE) --no-print-directory -j$(JOBS) $(CHECK_FLAGS) all unit replay
build-asan:
	@$(MAKE) --no-print-directory -j$(JOBS) $(ASAN_FLAGS) all unit replay

# The test build of aardvark-dns with the C library and the c-ares of a newer Debian, where they could be
# had. Linked against both releases' libraries: what the newer one does not bring comes from this one.
CARES       = build/cares/aardvark-dns
PEER_LIBS   = $(wildcard $(HERE)/$(call PEER,trixie)/usr/lib/*-linux-gnu*)
PEER_LOADER = $(wildcard $(HERE)/$(call PEER,trixie)/lib64/ld-linux-*.so.*)

.PHONY: build-cares
build-cares: build-check
	@[ -e "$(PEER_LIBS)/libcares.so.2" ] || { echo "no newer c-ares"; exit 0; }; \
	mkdir -p $(dir $(CARES)) && $(CC) -o $(CARES) $(CHECK)/aardvark-dns/main.o $(CHECK)/libaardvark.a \
		$(CHECK)/libcommon.a -pie -Wl,--as-needed,--allow-shlib-undefined -Wl,--dynamic-linker=$(PEER_LOADER) \
		-Wl,-rpath,$(PEER_LIBS) $(PEER_LIBS)/libcares.so.2 \
		$(patsubst -lcares,,$(call pkg,--libs,$(PKGS_AARDVARK) jansson libnl-3.0))

# ---- fuzzing ----

FUZZ_INPUTS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAY      := $(patsubst %,$(BUILD)/fuzz/replay_%,$(FUZZ_INPUTS))
FUZZ        ?= query
SECONDS     ?= 60
FUZZ_BUILD  := build/fuzz
FUZZ_FLAGS  := BUILD=$(FUZZ_BUILD) CC=clang OPT="-O1 -g" HARD= LINK=-pie FUZZ_LINK=-fsanitize=fuzzer \
	EXTRA_CFLAGS="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined"

# The targets without a fuzzer: they run the files of tests/fuzz/corpus.
$(BUILD)/fuzz/replay_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/replay.o \
		$(BUILD)/libaardvark.a $(BUILD)/libnetavark.a $(BUILD)/libcommon.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(EXTRA_CFLAGS) $(LINK) $(LDFLAGS) -o $@ $^ $(call pkg,--libs,$(PKGS_AARDVARK) jansson libnl-3.0)

$(BUILD)/fuzz/fuzz_%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/libaardvark.a $(BUILD)/libnetavark.a $(BUILD)/libcommon.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(EXTRA_CFLAGS) $(LINK) $(FUZZ_LINK) $(LDFLAGS) -o $@ $^ \
		$(call pkg,--libs,$(PKGS_AARDVARK) jansson libnl-3.0)

.PHONY: replay fuzz bench-dns
replay: $(REPLAY)

# What it finds stays in build/fuzz/found; a good input belongs into tests/fuzz/corpus.
fuzz: deps
	@$(MAKE) --no-print-directory -j$(JOBS) $(FUZZ_FLAGS) $(FUZZ_BUILD)/fuzz/fuzz_$(FUZZ)
	@mkdir -p $(FUZZ_BUILD)/corpus/$(FUZZ) $(FUZZ_BUILD)/found
	$(FUZZ_BUILD)/fuzz/fuzz_$(FUZZ) -max_total_time=$(SECONDS) -timeout=5 -print_final_stats=1 \
		-artifact_prefix=$(FUZZ_BUILD)/found/$(FUZZ)- $(FUZZ_BUILD)/corpus/$(FUZZ) tests/fuzz/corpus/$(FUZZ)

# The DNS server beside those of this and a newer Debian, dnsmasq, and a bare responder; see
# tests/bench/RESULTS-dns.md. A short form: make bench-dns BENCH="--rounds 1 --seconds 1 --names 1,1000"
BENCH ?=
bench-dns: deps-bench
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@$(call fetch_peer,trixie)
	tests/bench/bench_dns.sh $(BENCH) --goals ours=$(HERE)/$(BUILD)/aardvark-dns/aardvark-dns \
		debian12=/usr/lib/podman/aardvark-dns debian13=$(HERE)/$(call PEER,trixie)/aardvark-dns \
		dnsmasq=/usr/sbin/dnsmasq echo=echo

# The DNS server under everything at once; see tests/soak/soak_dns.py. Not part of `make check`: it
# measures waits, which other work on the machine lengthens.
.PHONY: soak-dns
soak-dns: deps
	@$(MAKE) --no-print-directory -j$(JOBS) all
	tests/soak/soak_dns.sh $(HERE)/$(BUILD)/aardvark-dns/aardvark-dns $(SECONDS)

# ---- packages ----

# Installs what is missing of a list of Debian packages; DEPS_DRY=1 only names them.
define install_packages
	@missing=; for p in $(1); do \
		dpkg-query -W -f='$${db:Status-Status}' $$p 2>/dev/null | grep -qx installed || missing="$$missing $$p"; \
	done; \
	if [ -n "$(DEPS_DRY)" ]; then echo $(1); \
	elif [ -n "$$missing" ]; then \
		echo "installing:$$missing"; \
		export DEBIAN_FRONTEND=noninteractive; \
		apt-get -q update >/dev/null && apt-get -qq install -y --no-install-recommends $$missing >/dev/null; \
	fi
endef

.PHONY: deps deps-bench deps-build deps-demo deps-lint deps-compat
deps:
	$(call install_packages,$(DEPS_TEST))
deps-bench:
	$(call install_packages,$(DEPS_BENCH))
deps-build:
	$(call install_packages,$(DEPS_BUILD))
deps-demo:
	$(call install_packages,$(DEPS_DEMO))
deps-compat:
	$(call install_packages,$(DEPS_COMPAT))
deps-lint:
	$(call install_packages,$(DEPS_LINT))

# ---- tests ----

# Every part prints TAP; tests/run.sh adds up and prints "N passed, N failed, N skipped" at the end.
unit_part = for t in $(patsubst tests/unit/%.c,$(1)/unit/%,$(SRC_UNIT)); do $$t || bad=1; done; exit $${bad-0}
programs  = NETAVARK=$(1)/netavark/netavark AARDVARK=$(1)/aardvark-dns/aardvark-dns \
	NETAVARK_PEER=$$(ls -U $(HERE)/$(call PEER,trixie)/netavark /usr/lib/podman/netavark 2>/dev/null | head -n 1) \
	AARDVARK_DNS=$(1)/aardvark-dns/aardvark-dns
bats_part = $(call programs,$(2)) bats --formatter tap $(1)
ASAN_ENV := ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1

HERE := $(CURDIR)
RUN  := tests/run.sh --jobs $(JOBS)
PART_UNIT        = 'unit=$(call unit_part,$(CHECK))'
PART_UNIT_ASAN   = 'unit-asan=export $(ASAN_ENV); $(call unit_part,$(ASAN))'
replay_part = for i in $(FUZZ_INPUTS); do $(1)/fuzz/replay_$$i tests/fuzz/corpus/$$i || bad=1; done; exit $${bad-0}
PART_REPLAY      = 'replay=$(call replay_part,$(CHECK))'
PART_REPLAY_ASAN = 'replay-asan=export $(ASAN_ENV); $(call replay_part,$(ASAN))'
PART_HARNESS     = 'harness=bats --formatter tap tests/harness'
PART_SCHEMAS     = 'schemas=tests/schema/check_schemas.py'
PART_PROGRAM     = 'schemas-program=NETAVARK=$(HERE)/$(CHECK)/netavark/netavark \
	AARDVARK_DNS=$(HERE)/$(CHECK)/aardvark-dns/aardvark-dns tests/schema/check_program.sh'
PART_INTEGRATION = 'integration=$(call bats_part,tests/integration,$(HERE)/$(CHECK))'
PART_INTEGRATION_ASAN = 'integration-asan=export $(ASAN_ENV); $(call bats_part,tests/integration,$(HERE)/$(ASAN))'
# In `make check`, which has a time limit: sweeps try every fourth door, which `make check-sweep` does not leave
# out, and with the sanitizers there are none, nor what repeats the same code many times; `make asan` has all.
LONG = $(foreach t,fault_sweep aardvark_forward aardvark_load aardvark_crowd engine_life engine_crash engine_network \
	engine_security firewall_large firewall_layout firewall_conntrack firewall_firewalld firewall_iptables \
	firewall_traffic,tests/integration/$(t).bats)
PART_INTEGRATION_QUICK = 'integration=export SWEEP_STEP=4; $(call bats_part,tests/integration,$(HERE)/$(CHECK))'
PART_INTEGRATION_ASAN_QUICK = 'integration-asan=export $(ASAN_ENV); \
	$(call bats_part,$(filter-out $(LONG),$(wildcard tests/integration/*.bats)),$(HERE)/$(ASAN))'
PART_SWEEP = 'sweep=$(call bats_part,tests/integration/fault_sweep.bats,$(HERE)/$(CHECK))'
# What concerns forwarding once more, with another c-ares.
PART_CARES       = 'integration-cares=[ -e $(CARES) ] || { echo "1..0 \# skip no newer c-ares"; exit 0; }; \
	AARDVARK=$(HERE)/$(CARES) bats --formatter tap tests/integration/aardvark_forward.bats'
PART_SLOW        = 'slow=$(call bats_part,tests/slow,$(HERE)/$(CHECK))'
PART_PODMAN      = 'podman=$(call bats_part,tests/compat/podman.bats tests/compat/podman_networks.bats \
	tests/compat/podman_swap.bats,$(HERE)/$(CHECK))'
PART_PODMAN_IPTABLES = 'podman-iptables=export NETAVARK_FW=iptables; \
	$(call bats_part,tests/compat/podman.bats,$(HERE)/$(CHECK))'
# The netavark of another Debian release, unpacked beside us; without it those tests are skipped.
PEER       = build/peer/$(1)
part_peer  = 'round-trip-$(1)=PEER=$(HERE)/$(call PEER,$(1)) $(call bats_part,tests/compat/round_trip.bats,$(HERE)/$(CHECK))'
part_peer_iptables = 'round-trip-iptables-$(1)=PEER=$(HERE)/$(call PEER,$(1)) \
	$(call bats_part,tests/compat/round_trip_iptables.bats,$(HERE)/$(CHECK))'
part_dns   = 'dns-$(1)=PEER=$(HERE)/$(call PEER,$(1)) $(call bats_part,tests/compat/dns_peers.bats,$(HERE)/$(CHECK))'
# A whole tree of another release, with its Podman.
ROOT       = build/root/$(1)
part_root  = 'podman-$(1)=export PODMAN_ROOT=$(HERE)/$(call ROOT,$(1)); $(call bats_part,tests/compat/podman.bats \
	tests/compat/podman_networks.bats $(2),$(HERE)/$(CHECK))'
part_compare = 'compare-$(1)=PEER=$(HERE)/$(call ROOT,$(1)) NETAVARK=$(HERE)/$(CHECK)/netavark/netavark tests/compat/compare.sh'
part_compare_create = 'compare-create-$(1)=PEER=$(HERE)/$(call ROOT,$(1)) NETAVARK=$(HERE)/$(CHECK)/netavark/netavark \
	tests/compat/compare_create.sh'
fetch_root = tests/compat/fetch_root.sh $(1) $(call ROOT,$(1)) || echo "cannot make a tree of $(1)"
# It must not be installed on the machine, where it would start.
fetch_firewalld = tests/compat/fetch_firewalld.sh trixie build/firewalld || echo "cannot get firewalld"
fetch_peer = tests/compat/fetch_peer.sh $(1) $(call PEER,$(1)) || echo "cannot get the netavark of $(1)"

# With the kernel of a Debian release, in a VM. `make check` runs what not every kernel can, the tests that
# have the tag vm, with one of them.
VM_TESTS ?= $(addprefix tests/integration/,netavark_bridge.bats netavark_bridge_vlan.bats netavark_vlan.bats \
	firewall_traffic.bats firewall_extras.bats)
VM_TAGGED = --filter-tags vm $(shell grep -lE '^ *\# bats (file|test)_tags=(.*,)?vm\b' tests/integration/*.bats)
part_vm   = 'vm-$(1)=$(call programs,$(HERE)/$(CHECK)) tests/vm/suite.sh $(1) $(2)'
fetch_kernel = tests/vm/fetch_kernel.sh $(1) build/vm/$(1) || echo "cannot get the kernel of $(1)"

.PHONY: check check-slow check-unit check-vm check-integration check-podman check-schemas check-fresh compat asan demo golden
check: deps
	@$(MAKE) --no-print-directory build-check build-asan
	@$(call fetch_peer,trixie)
	@$(fetch_firewalld)
	@$(call fetch_kernel,bookworm)
	@$(MAKE) --no-print-directory build-cares
	@# The long parts first, and one more than there are cores, as many tests wait for something.
	@$(RUN) --jobs $$(($(JOBS) + 1)) --timeout 1100 $(PART_INTEGRATION_QUICK) $(PART_INTEGRATION_ASAN_QUICK) \
		$(PART_HARNESS) $(PART_UNIT) $(PART_UNIT_ASAN) $(PART_REPLAY) $(PART_REPLAY_ASAN) \
		$(PART_SCHEMAS) $(PART_PROGRAM) $(call part_vm,bookworm,$(VM_TAGGED)) \
		$(PART_CARES) $(PART_PODMAN) $(PART_PODMAN_IPTABLES) \
		$(call part_peer,trixie) $(call part_peer_iptables,trixie)

# Beside the programs of the newer Debian releases.
compat: deps deps-compat build-check
	@$(call fetch_peer,trixie)
	@$(call fetch_peer,sid)
	@$(call fetch_root,trixie)
	@$(call fetch_root,sid)
	@$(call fetch_root,experimental)
	@$(RUN) --timeout 2400 $(PART_PODMAN) $(call part_peer,trixie) $(call part_peer,sid) \
		$(call part_peer_iptables,trixie) $(call part_peer_iptables,sid) \
		$(call part_dns,trixie) $(call part_dns,sid) \
		$(call part_root,trixie) $(call part_root,sid) \
		$(call part_root,experimental,tests/compat/podman_create.bats) \
		$(call part_compare,experimental) $(call part_compare_create,experimental) \
		'podman-engine=$(call bats_part,tests/compat/podman_engine.bats,$(HERE)/$(CHECK))'

# What takes minutes because it waits for clocks that nobody can hurry.
check-slow: deps build-check
	@$(RUN) $(PART_SLOW)

check-sweep: deps build-check
	@$(RUN) --timeout 3600 $(PART_SWEEP)
check-unit: deps build-check
	@$(RUN) $(PART_UNIT)
check-integration: deps build-check
	@$(RUN) $(PART_INTEGRATION)
check-vm: deps build-check
	@$(call fetch_kernel,bookworm)
	@$(call fetch_kernel,trixie)
	@export VM_TIMEOUT=36000; $(RUN) --timeout 36100 $(call part_vm,bookworm,$(VM_TESTS)) \
		$(call part_vm,trixie,$(VM_TESTS))
check-podman: deps build-check
	@$(RUN) $(PART_PODMAN)
check-schemas: deps build-check
	@$(RUN) $(PART_SCHEMAS) $(PART_PROGRAM)
asan: deps build-asan
	@$(RUN) $(PART_UNIT_ASAN) $(PART_REPLAY_ASAN) $(PART_INTEGRATION_ASAN)

# Writes the expected plans and rules anew; look at the difference before you commit it.
golden: build-check
	GOLDEN_UPDATE=1 $(CHECK)/unit/test_golden

# Both commands of the README in a freshly made Debian; takes longer and needs debootstrap.
check-fresh:
	tests/fresh-root.sh

demo: deps-demo
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@NETAVARK=$(HERE)/$(BUILD)/netavark/netavark AARDVARK_DNS=$(HERE)/$(BUILD)/aardvark-dns/aardvark-dns \
		TJALK=$(HERE)/$(BUILD)/engine/tjalk examples/demo.sh

# ---- care ----

C_FILES = $(shell git ls-files '*.c' '*.h')
SH_FILES = $(shell git ls-files '*.sh' '*.bash' '*.bats' .ci/run examples/plugins tests/integration/plugins \
	tests/vm/vmtest)

.PHONY: format lint
format:
	clang-format -i $(C_FILES)

lint: deps-lint
	clang-format --dry-run -Werror $(C_FILES)
	shellcheck -x $(SH_FILES)
	cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --enable=warning,portability \
		--suppress=missingIncludeSystem --suppress=nullPointerOutOfMemory -I. -D_GNU_SOURCE \
		"-DTAILQ_FOREACH(v,h,f)=while((v=(h)->tqh_first))" \
		"-DLIST_FOREACH(v,h,f)=while((v=(h)->lh_first))" \
		"-Djson_array_foreach(a,i,v)=for(i=0;(v=json_array_get(a,i));i++)" \
		"-Djson_object_foreach(o,k,v)=for(;next_member(o,&k,&v);)" \
		$(SRC_COMMON) $(SRC_NETAVARK) $(SRC_AARDVARK) $(SRC_TJALK) $(SRC_MAIN)
	clang-tidy --quiet $(SRC_COMMON) $(SRC_NETAVARK) $(SRC_AARDVARK) $(SRC_TJALK) $(SRC_MAIN) \
		-- $(CPPFLAGS) -std=gnu11
	@for f in $(SRC_COMMON) $(SRC_NETAVARK) $(filter netavark/%,$(SRC_MAIN)); do \
		gcc $(CPPFLAGS) -std=gnu11 -O1 -fanalyzer -Werror -c -o /dev/null $$f || exit 1; done
	@$(MAKE) --no-print-directory all
	tests/lint/check_prefixes.sh $(BUILD)

# ---- installation ----

.PHONY: install uninstall
UNITS := netavark-dhcp-proxy.service netavark-nftables-reload.service netavark-firewalld-reload.service
install: all
	for p in $(notdir $(filter $(BUILD)/netavark/%,$(PROGRAMS))); do \
		install -D -m 0755 $(BUILD)/netavark/$$p $(DESTDIR)$(LIBEXECDIR)/$$p; done
	install -D -m 0755 $(BUILD)/aardvark-dns/aardvark-dns $(DESTDIR)$(LIBEXECDIR)/aardvark-dns
	install -D -m 0644 netavark/netavark.conf.5 $(DESTDIR)$(MANDIR)/man5/netavark.conf.5
	install -D -m 0755 $(BUILD)/engine/tjalk $(DESTDIR)$(BINDIR)/tjalk
	install -D -m 0644 engine/tjalk.1 $(DESTDIR)$(MANDIR)/man1/tjalk.1
	install -D -m 0644 netavark/netavark.1 $(DESTDIR)$(MANDIR)/man1/netavark.1
	install -D -m 0644 aardvark-dns/aardvark-dns.8 $(DESTDIR)$(MANDIR)/man8/aardvark-dns.8
	install -D -m 0644 netavark/dhcp-proxy/netavark-dhcp-proxy.8 $(DESTDIR)$(MANDIR)/man8/netavark-dhcp-proxy.8
	ln -sf netavark-dhcp-proxy.8 $(DESTDIR)$(MANDIR)/man8/netavark-dhcp-proxy-client.8
	install -D -m 0644 common/dist/systemd/netavark-dhcp-proxy.socket $(DESTDIR)$(UNITDIR)/netavark-dhcp-proxy.socket
	for u in $(UNITS); do sed 's|@LIBEXECDIR@|$(LIBEXECDIR)|' common/dist/systemd/$$u.in | \
		install -D -m 0644 /dev/stdin $(DESTDIR)$(UNITDIR)/$$u || exit 1; done
	install -D -m 0644 common/dist/completion.bash $(DESTDIR)$(BASHCOMPDIR)/netavark
	ln -sf netavark $(DESTDIR)$(BASHCOMPDIR)/aardvark-dns
	ln -sf netavark $(DESTDIR)$(BASHCOMPDIR)/tjalk
	for s in schemas/*.json; do install -D -m 0644 $$s $(DESTDIR)$(SCHEMADIR)/$${s##*/}; done

uninstall:
	rm -f $(addprefix $(DESTDIR)$(LIBEXECDIR)/,$(notdir $(PROGRAMS))) \
		$(addprefix $(DESTDIR)$(MANDIR)/man8/,netavark-dhcp-proxy.8 netavark-dhcp-proxy-client.8) \
		$(addprefix $(DESTDIR)$(UNITDIR)/,netavark-dhcp-proxy.socket $(UNITS)) \
		$(DESTDIR)$(MANDIR)/man1/netavark.1 $(DESTDIR)$(MANDIR)/man5/netavark.conf.5 \
		$(DESTDIR)$(MANDIR)/man8/aardvark-dns.8 \
		$(DESTDIR)$(BASHCOMPDIR)/netavark $(DESTDIR)$(BASHCOMPDIR)/aardvark-dns \
		$(DESTDIR)$(BINDIR)/tjalk $(DESTDIR)$(MANDIR)/man1/tjalk.1 $(DESTDIR)$(BASHCOMPDIR)/tjalk
	for s in schemas/*.json; do rm -f $(DESTDIR)$(SCHEMADIR)/$${s##*/}; done

.PHONY: clean help
clean:
	rm -rf build

help:
	@printf '%s\n' \
		'make            the programs, in $(BUILD)' \
		'make demo       two containers find each other by name, shown in private namespaces (root)' \
		'make check      all tests; installs what they need (root)' \
		'make deps       the Debian packages of building and testing (DEPS_DRY=1 names them)' \
		'make asan       unit and integration tests under clang with sanitizers' \
		'make check-unit check-integration check-podman check-schemas    one kind of test' \
		'make check-slow what has to wait for minutes: real DHCP leases' \
		'make fuzz FUZZ=query SECONDS=60    one of: $(FUZZ_INPUTS)' \
		'make bench-dns  aardvark-dns beside those of other releases' \
		'make soak-dns SECONDS=600   aardvark-dns under load, reloads and dead servers: what it waits and takes' \
		'make check-vm   with the kernels of Debian 12 and 13, in VMs; VM_TESTS names the tests' \
		'make compat     beside the programs of newer Debian releases, and under their Podman' \
		'make check-sweep    a failure and a signal at every door of a setup; `make check` has every fourth' \
		'make check-fresh    demo and check in a freshly made Debian' \
		'make lint, make format    static checks; clang-format in place' \
		'make install    DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) LIBEXECDIR=$(LIBEXECDIR)'

-include $(patsubst %.o,%.d,$(call obj,$(SRC_COMMON) $(SRC_NETAVARK) $(SRC_AARDVARK) $(SRC_TJALK) $(SRC_UNIT) \
	$(wildcard tests/fuzz/*.c) \
	$(SRC_MAIN)))
