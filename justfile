# The recipes are the scripts; `just --list` shows them.

# Sets up, builds, and demonstrates a network that heals.
demo *args:
	scripts/demo {{args}}

# Checks formatting, lints and unit tests: under three minutes once it is built.
check:
	scripts/check

# Runs all checks that a change must pass.
test:
	scripts/test

# Sets up and builds the node and the drills.
build:
	scripts/build

# Runs every drill, one after the other.
drills:
	scripts/drill all
