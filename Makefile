# Every target is an npm script of the same meaning; see package.json.
.PHONY: setup demo test up down ddl sql format lint type bench ci clean

setup:
	@npm run --silent setup

test:
	@npm test --silent

demo:
	@npm run --silent demo
