# The workshop of Throng. `make` alone lists what it can do.

VERSION      := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LINT_VERSION := 2.15.0
LINT         := .bin/golangci-lint-$(LINT_VERSION)
VULN_VERSION := 1.9.0
VULN         := .bin/govulncheck-$(VULN_VERSION)
NFPM_VERSION := 2.45.2
NFPM         := .bin/nfpm-$(NFPM_VERSION)
SBOM_VERSION := 1.10.0
SBOM         := .bin/cyclonedx-gomod-$(SBOM_VERSION)
FUZZTIME     ?= 10s
SOAK         ?= 1h

# The known holes of Go and of all modules, as of the day in the version. A newer day: go list -m golang.org/x/vulndb@master
VULNDB       := v0.0.0-20261105234957-e22db6528018

# The Go that packages are built with, and whose standard library is looked through for known holes; the go command fetches it.
RELEASE_GO   ?= go1.27.3

# The version is given by hand, so that a build needs no readable git folder.
export GOFLAGS += -buildvcs=false

.PHONY: help run build test race lint vuln package package-try reproducible fuzz bench bench-peers load-100k soak restarts chaos clean
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## build and start the server, which prints its address; ARGS="--addr :9000" for more
	./throng $(ARGS)

build: ## build ./throng
	CGO_ENABLED=0 go build -trimpath -ldflags "-X main.version=$(VERSION)" -o throng .

test: ## all tests with the race detector; the page in a real Chromium
	@sh .ci/needs.sh
	go test -race -timeout 20m ./...
	cd loadtest/peers && go vet ./... && go test -timeout 5m ./...

race: test ## the same: tests always run with the race detector

lint: $(LINT) vuln ## format, vet, the linters' rules, a tidy go.mod, no known holes
	go vet ./...
	$(LINT) run ./...
	go mod tidy -diff

$(LINT):
	GOBIN=$(CURDIR)/.bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$(LINT_VERSION)
	mv .bin/golangci-lint $@

vuln: $(VULN) ## known holes that the code can reach, in its modules and in the Go that packages are built with
	@db=$$(go mod download -json golang.org/x/vulndb@$(VULNDB) | sed -n 's/^\t"Dir": "\(.*\)".*/\1/p') && \
	echo "looking for holes known on $$(echo $(VULNDB) | cut -d - -f 2 | cut -c 1-8), with $(RELEASE_GO)" && \
	GOTOOLCHAIN=$(RELEASE_GO) $(VULN) -db "file://$$db/data/osv" -test ./...

$(VULN):
	GOBIN=$(CURDIR)/.bin GOTOOLCHAIN=$(RELEASE_GO) go install golang.org/x/vuln/cmd/govulncheck@v$(VULN_VERSION)
	mv .bin/govulncheck $@

package: $(NFPM) $(SBOM) ## what is released, in dist/: packages for Debian, archives, what is in them, sums
	@GOTOOLCHAIN=$(RELEASE_GO) NFPM=$(CURDIR)/$(NFPM) SBOM=$(CURDIR)/$(SBOM) sh deploy/package/build.sh

package-try: package ## as root: the package in a fresh Debian, started as its unit starts it, with people in it
	@sh deploy/package/try.sh

reproducible: $(NFPM) $(SBOM) ## the packages of this commit built twice, in two folders, byte for byte the same
	@GOTOOLCHAIN=$(RELEASE_GO) NFPM=$(CURDIR)/$(NFPM) SBOM=$(CURDIR)/$(SBOM) sh deploy/package/reproduce.sh

$(NFPM):
	GOBIN=$(CURDIR)/.bin GOTOOLCHAIN=$(RELEASE_GO) go install github.com/goreleaser/nfpm/v2/cmd/nfpm@v$(NFPM_VERSION)
	mv .bin/nfpm $@

$(SBOM):
	GOBIN=$(CURDIR)/.bin GOTOOLCHAIN=$(RELEASE_GO) go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v$(SBOM_VERSION)
	mv .bin/cyclonedx-gomod $@

fuzz: ## every fuzz test for FUZZTIME each (10s)
	@set -e; for package in $$(go list ./...); do \
		names=$$(go test -list '^Fuzz' $$package); \
		for name in $$(echo "$$names" | grep '^Fuzz'); do \
			echo "$$package $$name"; \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1000x $$package; \
		done; \
	done

bench: ## speed and memory, each beside the bare system call
	go run ./loadtest/bench $(ARGS)

bench-peers: ## the same beside servers on other libraries (loadtest/peers); ten minutes
	cd loadtest/peers && go build -o $(CURDIR)/.bin/peers .
	go run ./loadtest/bench -peers .bin/peers -seconds 3 $(ARGS)

load-100k: build ## 100,000 users in one chat on this machine; report in throng-100k.html
	./throng load --serve auto --users 100000 --scenario chat --ramp 4m --duration 60s \
		--slo lost==0 --slo duplicated==0 --slo reordered==0 --report throng-100k.html $(ARGS)

soak: build ## one server under churn, chat and slow readers for SOAK (1h): nothing of it grows, and nothing is lost
	go run ./loadtest/soak -for $(SOAK) -server ./throng $(ARGS)

restarts: ## 15,000 users over TLS while the server is handed over and restarted: everybody comes back, and nothing is lost
	go test ./loadtest/accept -run Restarts -restarts.users 15000 -restarts.ramp 1m -restarts.for 210s -timeout 20m -v $(ARGS)

chaos: ## nodes killed, cut off and slowed down under load, 40 rounds, every message accounted for
	go test ./loadtest/accept -run Chaos -chaos.rounds 40 -timeout 60m -v $(ARGS)

clean: ## remove what build, lint and profiling left; data stays
	rm -rf throng .bin dist *.prof *.test
