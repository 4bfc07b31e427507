# The commands of the project. `make demo` and `make test` do all the set-up.

GO ?= go
# The window is the only part that needs cgo; everything below builds without.
PURE = CGO_ENABLED=0 $(GO)
# The program names its commit, also where GOFLAGS says otherwise.
BUILD = build -buildvcs=auto -o communicator
FUZZTIME ?= 60s

.PHONY: build demo test check race interop active smoke bench fuzz window

build: ## the program without the window
	$(PURE) $(BUILD) ./cmd/communicator

window: ## the program with the window; installs what the compiler needs
	./deploy/window-headers.sh
	CGO_ENABLED=1 $(GO) $(BUILD) ./cmd/communicator

demo: ## see it run: a lab in the same process, and a client signed in to it
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ]; then $(MAKE) --no-print-directory window; else $(PURE) $(BUILD) -tags pictures ./cmd/communicator; fi
	./communicator demo

test: ## all tests that need nothing but Go
	$(PURE) test -timeout 10m ./...

check: ## vet, staticcheck, other systems, race detector, fuzz seeds
	$(PURE) vet ./...
	$(PURE) vet -tags pictures ./cmd/communicator
	$(PURE) vet -tags interop ./interop/
	$(PURE) tool staticcheck ./...
	$(PURE) tool staticcheck -tags interop ./interop/
	GOOS=windows $(PURE) build ./...
	GOOS=darwin $(PURE) build ./...
	./deploy/install.sh gcc libc6-dev
	$(MAKE) race

race: ## the tests under the race detector (it needs a C compiler, the window stays out)
	CGO_ENABLED=1 $(GO) test -race -tags nowindow -timeout 20m ./...

# What only prints figures and takes a minute or more is left to bench.
interop: ## real servers and other programs, on loopback
	./interop/install.sh
	$(PURE) test -tags interop -count=1 -run Schema ./wire/pidf/
	./deploy/install.sh xvfb xdotool dbus-daemon
	$(PURE) test -tags interop -count=1 ./ui/idle/
	$(PURE) test -tags interop -count=1 -timeout 30m -v -skip 'FiguresActive|FiguresDirectory|FiguresThousand$$' ./interop/

active: ## 100,000 people in Active Directory: questions and figures; what it fills it with is kept in the user's cache (1.2 GB)
	./interop/install.sh
	$(PURE) test -tags interop -count=1 -timeout 60m -v -run FiguresActive ./interop/

smoke: window ## the real window under Xvfb
	./deploy/install.sh xvfb openbox xdotool imagemagick libgl1-mesa-dri
	$(GO) test -tags 'interop guitest' -count=1 -timeout 10m -run Window -v ./interop/

bench: ## the figures of docs/performance.md
	$(PURE) test -run '^$$' -bench . -benchmem -timeout 30m ./wire/... ./dialect/... ./directory/... ./history ./im ./lab ./session
	$(PURE) test -tags interop -count=1 -timeout 20m -v -run Figures -skip FiguresActive ./interop/

fuzz: ## every fuzz target for FUZZTIME
	@for p in $$($(PURE) list ./...); do \
	  for f in $$($(PURE) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
	    echo "$$p $$f"; $(PURE) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$p || exit 1; done; done
