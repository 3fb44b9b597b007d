# Meson and Ninja do the work (meson.build); this names what people type. `./setup` installs what is missing.
PREFIX ?= /usr/local
DURATION ?=
FUZZ_SECONDS ?= 1800
QUERIES ?= 1000000
SEED ?= 1000
JOBS ?= $(shell nproc)

all: build/build.ninja
	@ninja -C build programs

# Anew when ./setup names another package.
build/build.ninja: setup
	@./setup
	@if [ -f $@ ]; then touch $@; else meson setup build --prefix=$(PREFIX) \
		-Dtests=$$(pkg-config --exists cmocka && echo true || echo false); fi

# The film is the train's camera (scripts/demo).
demo: all
	@ninja -C build track-film
	@DURATION=$(DURATION) exec scripts/demo

check:
	@JOBS=$(JOBS) scripts/check

bench: all
	@bench/run.py
	@/usr/bin/python3 bench/control_room.py
	@bench/promql.py

# A million random queries against Debian's Prometheus; goes on where it was ended. Another SEED begins anew.
differential: all
	@/usr/bin/python3 tests/differential/random_queries.py --queries $(QUERIES) --seed $(SEED) --jobs $(JOBS) \
		--progress build/differential/progress-$(SEED)-$(QUERIES).json

soak:
	@JOBS=$(JOBS) FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/soak

install: all
	@meson configure build --prefix=$(PREFIX) && ninja -C build programs
	@meson install -C build --no-rebuild --destdir "$(DESTDIR)"

check-debian13:
	@scripts/check-debian13

tidy: build/build.ninja
	@JOBS=$(JOBS) scripts/tidy

format:
	@git ls-files '*.c' '*.h' '*.cc' | xargs clang-format -i

clean:
	@rm -rf build build-*

.PHONY: all demo check bench differential soak install check-debian13 tidy format clean
