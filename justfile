# The recipes are the scripts; `just --list` shows them.

# Sets up, builds, and shows a network heal.
demo *args:
	scripts/demo {{args}}

# Everything that is checked before a change lands.
test:
	scripts/test

# Sets up and builds the node and the drills.
build:
	scripts/build

# Every drill, one after the other.
drills:
	scripts/drill all
