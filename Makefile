# Each target is the npm script of its name (`type` is `types`); what they do is said in CONTRIBUTING.md.
#   make demo DEMO_SECONDS=20     ends by itself
#   make demo SOURCE=recording    plays a recording in place of the simulation
#   make sql QUERY="SELECT 1"     or: make sql < statement.sql
#   make setup FORCE=1            does every step again
#   make test COVERAGE=1
.PHONY: setup demo test up down ddl sql format lint type bench ci clean

export QUERY

setup:
	@npm run --silent setup -- $(if $(FORCE),--force)

test:
	@npm test --silent -- $(if $(COVERAGE),--coverage)

sql:
	@npm run --silent sql $(if $(QUERY),-- "$$QUERY")

type:
	@npm run --silent types

demo: export DEMO_SOURCE := $(or $(SOURCE),$(DEMO_SOURCE),simulation)

demo up down ddl format lint bench ci clean:
	@npm run --silent $@
