# Every way of working on this project is a recipe here; CI calls the same ones.

default:
    @just --list

# What CI runs
ci-gate:
    bash .ci/run

# Format, lint and documentation checks
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --quiet -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

test:
    cargo test --workspace

# Licences, bans and sources of all dependencies (needs cargo-deny)
deny:
    cargo deny --offline check bans licenses sources

# This project's own Criterion benches
bench:
    cargo bench --workspace

# This project's own benches against its own merge base
bench-compare:
    bash scripts/bench-compare

# The whole story on a throw-away repository
demo:
    bash scripts/demo

# Lint the workflows, the action and the couriers (needs shellcheck, zizmor, actionlint: scripts/test-tools)
forge-lint:
    scripts/forge/lint

# Make docs/formats.md from the table of formats
format-reference:
    cargo run --quiet --package perf-cli -- reference formats > docs/formats.md

# Make docs/cli.md from --help
cli-reference:
    cargo run --quiet --package perf-cli -- reference > docs/cli.md

# Make docs/schema/perf-toml.schema.json from the types that read perf.toml
config-schema:
    cargo run --quiet --package perf-cli -- reference config-schema > docs/schema/perf-toml.schema.json

# Make docs/schema/perf-report.schema.json from the types that the report is written from
report-schema:
    cargo run --quiet --package perf-cli -- reference report-schema > docs/schema/perf-report.schema.json

# How often the verdict is wrong, beside the rules of other tools; takes files of other measurements
verdict-score *arguments:
    cargo run --quiet --release --package perf-compare --example verdict-score -- {{arguments}}

# Kill `perf` at every system call that changes a file (needs strace; takes about half an hour)
kill-test:
    cargo build --release --package perf-cli
    scripts/kill-test
    scripts/kill-test --packed --step 5

# Let system calls of `perf` and `git` fail: disk full, broken, read-only, too many files (needs strace; takes an hour)
fault-test:
    cargo build --release --package perf-cli
    scripts/fault-test

# This store beside stock git and git-perf, on the same numbers (git-perf only where it is installed)
bench-peers *arguments:
    cargo build --release --quiet --package perf-cli
    scripts/bench-peers --perf "$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/perf" {{arguments}}

# How often measuring in turns is right, on made-up suites: the same code, true changes, drift, kills, bisection
measure-check *arguments:
    cargo build --release --quiet --package perf-cli
    scripts/measure-check --perf "$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/perf" {{arguments}}
