# Each target is the npm script of its name (`type` is `types`); what they do is said in CONTRIBUTING.md.
#   make demo DEMO_SECONDS=20     ends by itself
#   make sql QUERY="SELECT 1"
#   make setup FORCE=1            does every step again
#   make test COVERAGE=1
.PHONY: setup demo test up down ddl sql format lint type bench ci clean

export QUERY

setup:
	@npm run --silent setup -- $(if $(FORCE),--force)

demo:
	@npm run --silent demo -- $(if $(DEMO_SECONDS),--seconds $(DEMO_SECONDS))

test:
	@npm test --silent -- $(if $(COVERAGE),--coverage)

sql:
	@npm run --silent sql -- "$$QUERY"

type:
	@npm run --silent types

up down ddl format lint bench ci clean:
	@npm run --silent $@
