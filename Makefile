# make test   everything that must pass: build, vet, the whole suite with the race detector
# make lint   golangci-lint
# make bench IMAGE=oci:DIR   a scan beside merely decompressing and hashing the same layers
# make accuracy   findings held against what people judged, beside OSV-Scanner's if it is on PATH
# make accuracy IMAGES="a.tar b.tar"   findings in images (docker save) beside OSV-Scanner's
# make contraband   every alarm that real images raise (CONTRABAND_IMAGES: directories of OCI layouts)
# make build  ./tidewaiter

GO       ?= go
TOOLS    := $(CURDIR)/.tools
REGISTRY := $(TOOLS)/registry
LINT     := $(TOOLS)/golangci-lint
RELEASE  ?= devel
LABELS   ?= ../shared/conformance/match-labels
FEEDS    ?= ../shared/feeds
CONTRABAND_IMAGES ?= $(abspath ../shared/images/oci)

.PHONY: build test lint bench accuracy contraband
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.release=$(RELEASE)' -o tidewaiter ./cmd/tidewaiter

# The registry that tests push to and pull from is the real one, of the CNCF distribution project.
$(REGISTRY):
	GOBIN=$(TOOLS) $(GO) install github.com/distribution/distribution/v3/cmd/registry@v3.1.2

test: $(REGISTRY)
	$(GO) vet ./...
	TIDEWAITER_TEST_REGISTRY=$(REGISTRY) $(GO) test -race ./...

$(LINT):
	GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

lint: $(LINT)
	$(LINT) run

bench:
	@test -n "$(IMAGE)" || { echo "make bench IMAGE=oci:DIR (any image that tidewaiter scan takes)"; exit 1; }
	$(GO) run ./cmd/bench $(IMAGE)

accuracy:
	$(GO) run ./cmd/accuracy -v $(if $(IMAGES),-images $(FEEDS) $(IMAGES),$(LABELS) $(FEEDS))

contraband:
	CONTRABAND_IMAGES=$(CONTRABAND_IMAGES) $(GO) test -count=1 -timeout 60m -v -run TestRealImagesRaiseNoAlarm ./cmd/tidewaiter
