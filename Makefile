# Quipu. `make help` lists the goals.

SHELL := /bin/bash
.DEFAULT_GOAL := help

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
DESTDIR ?=
SECONDS_EACH ?= 60
HOURS ?= 2
BUILT ?= .build/release
SCHEDULES ?= 5000

# One set of flags for every debug build, so that check and test share it; undeclared imports fail it.
DEBUG := --explicit-target-dependency-import-check error
RELEASE := -c release --static-swift-stdlib
# The one that Scripts/deps made, where the system's lacks a validator.
PYTHON = $(shell test -x .build/python/bin/python3 && echo .build/python/bin/python3 || echo python3)
TRAFFIC := $(CURDIR)/.build/traffic.jsonl

PROGRAMS := quipud quipu-agent quipu quipu-import
UNITS := $(wildcard systemd/*.service systemd/*.socket)
USER_UNITS := $(wildcard systemd/user/*.service systemd/user/*.socket)
LIB := $(DESTDIR)$(PREFIX)/lib

.PHONY: help deps build demo up test test-schedules test-systemd test-faults faults soak check bench bench-deps fuzz \
	sanitize install uninstall

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

deps: ## install what is missing (apt-get, as root or through sudo)
	@Scripts/deps

build: deps ## release binaries in .build/release; they run where Swift is not installed
	swift build $(RELEASE)

demo: build ## sample logs and datagrams in, answers out; ends by itself
	Scripts/demo

up: build ## the same, and it stays until Ctrl-C
	Scripts/demo --stay

test: deps ## everything that proves it: tests, traffic against the schemas, systemd
	swift build --build-tests $(DEBUG)
	rm -f $(TRAFFIC)
	QUIPU_TRAFFIC_LOG=$(TRAFFIC) swift test --skip-build $(DEBUG)
	$(PYTHON) protocol/check.py $(TRAFFIC)
	@$(MAKE) --no-print-directory test-schedules test-systemd test-faults

# In release: a schedule takes a debug build twenty times as long.
test-schedules: build ## orders of events in a simulated world; prints the seeds that fail
	.build/release/quipu-schedules --count $(SCHEDULES)
	.build/release/quipu-schedules --count 200 --store sqlite

test-systemd: build ## the units under a real systemd; skipped where namespaces are not permitted
	Tests/systemd/run

test-faults: build ## the short form of the fault matrix
	Tests/faults/run --quick

faults: build ## the whole fault matrix, injected into the real programs: under 20 minutes on two cores
	Tests/faults/run

soak: build ## HOURS (2) of ten times the ordinary load: memory, descriptors, ledger
	Tests/faults/soak --hours $(HOURS)

check: deps ## format, layers and undeclared imports, schemas
	swift format lint --strict --recursive --parallel $$(git ls-files '*.swift')
	swift build --build-tests $(DEBUG)
	swift test --skip-build $(DEBUG) --filter TidyTests
	$(PYTHON) protocol/check.py

bench: build bench-deps ## every figure beside a floor or what others use; more: Benchmarks/run --help
	Benchmarks/run

bench-deps: ## what `make bench` compares with, unpacked below .build/peers
	@Scripts/bench-deps

fuzz: deps ## each fuzz target for SECONDS_EACH seconds
	Fuzz/run.sh $(SECONDS_EACH)

sanitize: deps ## the Swift tests under the thread and the address sanitizer
	Scripts/sanitize

install: ## install what `make build` made below PREFIX; DESTDIR for packages
	@for p in $(PROGRAMS); do \
	  install -D -s -m 755 $(BUILT)/$$p $(DESTDIR)$(PREFIX)/bin/$$p || exit; done
	install -d $(LIB)/systemd/system $(LIB)/systemd/user
	install -m 644 $(UNITS) $(LIB)/systemd/system
	install -m 644 $(USER_UNITS) $(LIB)/systemd/user
	sed -i 's#/usr/local/bin/#$(PREFIX)/bin/#; s#/etc/quipu/#$(SYSCONFDIR)/quipu/#' \
	  $(LIB)/systemd/{system,user}/quipu{d,-agent}.service
	install -D -m 644 systemd/quipu.sysusers $(LIB)/sysusers.d/quipu.conf
	install -D -m 644 systemd/quipu.tmpfiles $(LIB)/tmpfiles.d/quipu.conf
	@test -e $(DESTDIR)$(SYSCONFDIR)/quipu/quipu.yaml || \
	  install -D -m 644 systemd/quipu.yaml $(DESTDIR)$(SYSCONFDIR)/quipu/quipu.yaml
	@test -n "$(DESTDIR)" || Scripts/after-install

uninstall: ## remove what install put there; configuration and data stay
	@test -n "$(DESTDIR)" || test ! -d /run/systemd/system || \
	  systemctl disable --now $(notdir $(UNITS)) || true
	rm -f $(PROGRAMS:%=$(DESTDIR)$(PREFIX)/bin/%)
	rm -f $(UNITS:systemd/%=$(LIB)/systemd/system/%)
	rm -f $(USER_UNITS:systemd/user/%=$(LIB)/systemd/user/%)
	rm -f $(LIB)/sysusers.d/quipu.conf $(LIB)/tmpfiles.d/quipu.conf
