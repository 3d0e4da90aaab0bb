# `make run` and `make test` need nothing but Python 3.11+, make and a Debian-like system:
# each sets up what it needs, once, inside this folder.

VENV := .venv
SAM_VENV := .venv-sam
CHECKOV_VENV := .venv-checkov
SCAN_VENV := .venv-scan
DEPLOYED_VENV := .venv-deployed
EMULATOR_VENV := .venv-emulator
NODE_VENV := .venv-node
RUNTIME_VENV := .venv-runtime
PEERS_VENV := .venv-peers
GENERATORS_VENV := .venv-generators
PEERS := tests/conformance/peers
MYSQL_GRAMMAR := tools/mysql_grammar
GENERATORS := tests/contract/generators
INFRASTRUCTURE := tests/contract/infrastructure
OPENAPI_LINT := tools/openapi
REFERENCE := tools/reference
PY := $(VENV)/bin/python
DEPLOYED_PYTHON := $(shell sed -n 's/^ *Runtime: python//p' template.yaml)
export PYTHONPATH := .:layers/shared
# Tests start hundreds of interpreters: each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE
# More processes than processors, as many tests wait.
PARALLEL := -n 3 --dist worksteal
export SAM_CLI_TELEMETRY := 0
export TOKENS_DB := $(or $(DB),$(TOKENS_DB))

.DEFAULT_GOAL := help
.PHONY: help setup run doctor demo test test-mysql test-deploy ready deployed check lint format lock build clean sam checkov node mysql-grammar openapi-lint generators infrastructure docs reference traffic runtime package reproducible conformance conformance-peers soak takeover-trial adoption-demo programs model-checker fresh-machine scan clients pack-clients

help: ## Show what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: ## Make the virtual environment from the lock file
	@scripts/setup $(VENV) requirements/dev.txt

run: setup ## Serve the whole service at http://127.0.0.1:3000 (PORT=… for another port, SET="AccessTtlS=60 …" for parameters of template.yaml, ORIGINS=http://localhost:5173 for pages of a development server, DB=mysql for MySQL, PROXY=1 for a stand-in of RDS Proxy, PORTAL_MAP=… with TOKENS_DB_URL)
	@exec $(PY) -m local

doctor: setup ## Look whether the Portal's tables at TOKENS_DB_URL fit the mapping PORTAL_MAP; reads only
	@exec $(PY) -m local doctor

demo: setup ## Walk through the life of a token, step by step
	@exec $(PY) -m local demo

traffic: setup ## People and attackers against the service of make run (ARGS="--seconds 60 --users 40")
	@exec $(PY) -m local traffic $(ARGS)

test: ready ## Run all tests
	@exec $(PY) -m pytest $(PARALLEL)

test-mysql: ready deployed ## Run the tests that meet a database, on MySQL and the deployed Python (TESTS=tests/integration for some)
	@TOKENS_DB=mysql exec $(DEPLOYED_VENV)/bin/python -m pytest $(PARALLEL) -m database $(TESTS)

test-deploy: setup programs sam runtime ## Deploy to an emulator of AWS by the documentation's commands, use, upgrade and delete it
	@scripts/setup $(EMULATOR_VENV) requirements/emulator.txt
	@TOKENS_DB=$(or $(TOKENS_DB),mysql) exec $(PY) -m pytest -s tests/deployment

# What the tests need of the world outside; no work where it is there already.
ready: setup programs node generators infrastructure reference package

# The deployed Python where this machine has it, else the usual one; the tests say which it was.
deployed:
	@PYTHON="$$(scripts/find-python $(DEPLOYED_PYTHON))" scripts/setup $(DEPLOYED_VENV) requirements/dev.txt

conformance: setup ## Races, lost answers and thieves against BASE_URL (default: the local stack), ARGS="--rounds 50 --report FILE"
	@$(PY) -m tests.conformance $(if $(BASE_URL),--base-url $(BASE_URL)) $(ARGS)

soak: setup ## Clients, thieves and a checker while database, KMS, functions and clocks are struck (MINUTES=30 DB=mysql SEED=…)
	@scripts/setup-programs clock
	@$(PY) -m tests.soak --minutes $(or $(MINUTES),5) $(if $(SEED),--seed $(SEED)) $(ARGS)

takeover-trial: setup programs node ## A thousand people of a Portal in Node come over, four times each, while connections break (PEOPLE=… DB=mysql)
	@$(PY) -m tests.adoption --people $(or $(PEOPLE),1000) $(ARGS)

adoption-demo: setup programs node ## A Portal in Node with a thousand people signed in moves to the service, phase by phase (PEOPLE=… DB=mysql)
	@$(PY) -m tests.adoption.demo --people $(or $(PEOPLE),1000)

# Other token servers, from package registries.
peers: node
	@scripts/setup $(PEERS_VENV) requirements/peers.txt
	@scripts/setup-node $(NODE_VENV) $(PEERS)

conformance-peers: setup peers ## The same against other OAuth servers (PEER=oidc-provider for one)
	@for peer in $(or $(PEER),oidc-provider django-oauth-toolkit django-oauth-toolkit-reuse-protection simplejwt authlib better-auth); do \
		$(PY) -m tests.conformance --peer $$peer $(ARGS); [ $$? -le 1 ] || exit 1; done

check: lint model-checker ## Format, lint, types, SQL, templates, policies, architecture, model
	$(PY) -m pytest -q tests/architecture tests/model

# The part of it that `make test` does not have.
lint: setup checkov mysql-grammar openapi-lint reproducible scan
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	PATH="$(CURDIR)/$(NODE_VENV)/bin:$$PATH" $(PY) -m tools.mysql_grammar
	PATH="$(CURDIR)/$(NODE_VENV)/bin:$$PATH" REDOCLY_SUPPRESS_UPDATE_NOTICE=true $(OPENAPI_LINT)/node_modules/.bin/redocly lint --config $(OPENAPI_LINT)/redocly.yaml docs/openapi.yaml
	PATH="$(CURDIR)/$(NODE_VENV)/bin:$$PATH" $(OPENAPI_LINT)/node_modules/.bin/spectral lint --quiet --fail-severity=warn -r $(OPENAPI_LINT)/spectral.yaml docs/openapi.yaml
	$(VENV)/bin/cfn-lint foundation.yaml template.yaml operations.yaml deploy/keys.yaml examples/*/template.yaml
	$(CHECKOV_VENV)/bin/checkov --config-file .checkov.yaml

format: setup ## Format the code
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

sam:
	@scripts/setup $(SAM_VENV) requirements/sam.txt

checkov:
	@scripts/setup $(CHECKOV_VENV) requirements/checkov.txt

scan: node ## Secrets in the tree, known faults in the locked packages (SCAN=--strict: no answer of a registry is a failure)
	@scripts/setup $(SCAN_VENV) requirements/scan.txt
	@PATH="$(CURDIR)/$(NODE_VENV)/bin:$$PATH" $(SCAN_VENV)/bin/python -m tools.scan $(SCAN)

docs: setup reference ## Write the API's reference page for any server of files; make run shows it at /_local/reference/
	@$(PY) -m tools.reference .local/reference

reference: node
	@scripts/setup-node $(NODE_VENV) $(REFERENCE)

openapi-lint: node
	@scripts/setup-node $(NODE_VENV) $(OPENAPI_LINT)

# Generators of clients that others wrote, for docs/openapi.yaml.
generators: node
	@scripts/setup $(GENERATORS_VENV) requirements/generators.txt
	@scripts/setup-node $(NODE_VENV) $(GENERATORS)

# What reads the CDK app and the Terraform of examples/attach.
infrastructure: node
	@scripts/setup-node $(NODE_VENV) $(INFRASTRUCTURE)

programs:
	@scripts/setup-programs

model-checker:
	@scripts/setup-programs spin

node:
	@scripts/setup $(NODE_VENV) requirements/node.txt
	@scripts/setup-node $(NODE_VENV) tests/node
	@scripts/setup-node $(NODE_VENV) tests/clients/javascript
	@scripts/setup-node $(NODE_VENV) tests/clients/verify
	@scripts/setup-node $(NODE_VENV) tests/portal

mysql-grammar: node
	@scripts/setup-node $(NODE_VENV) $(MYSQL_GRAMMAR)

build: setup sam runtime ## Build the deployable artifacts (ARCH=x86_64 for another machine, PORTAL_MAP=… for your mapping)
	@$(PY) -m local.package --arch $(or $(ARCH),arm64) $(if $(PORTAL_MAP),--portal-map $(PORTAL_MAP))

reproducible: setup sam runtime
	@$(PY) -m local.package --twice --into .aws-sam/reproducible

# Lambda's side of the packaged functions: the deployed Python where this machine has it, the runtime client, boto3.
runtime:
	@PYTHON="$$(scripts/find-python $(DEPLOYED_PYTHON))" scripts/setup $(RUNTIME_VENV) requirements/runtime.txt

# The artifacts for this machine, for the tests; built beforehand, as a test reaches no package registry.
package: setup sam runtime
	@$(PY) -m local.packaged

clients: setup node programs ## The client helpers' trials at length: simulated sessions (RUNS=1000), tabs of Chromium (TABS_S=60 each), storms of 200
	@cd tests/clients/javascript && PATH="$(CURDIR)/$(NODE_VENV)/bin:$$PATH" RUNS=$(or $(RUNS),1000) node --test rules.test.mjs storm.test.mjs
	@PYTHONPATH=.:layers/shared:clients/python $(PY) -m tests.clients.python.mutants $(or $(RUNS),1000)
	@TABS_S=$(or $(TABS_S),60) STORM_CLIENTS=200 $(PY) -m pytest -q -rP --show-capture=stdout tests/clients/test_tabs.py tests/clients/test_storms.py

pack-clients: setup node ## Pack the client helpers and verifiers as a release would, into .local/clients
	@rm -rf .local/clients && mkdir -p .local/clients
	@PATH="$(CURDIR)/$(NODE_VENV)/bin:$$PATH" npm pack --silent --pack-destination .local/clients ./clients/javascript ./clients/javascript-verify
	@for folder in clients/python layers/shared; do $(VENV)/bin/uv build --quiet --wheel --out-dir .local/clients $$folder || exit 1; done
	@cd .local/clients && sha256sum *.tgz *.whl

fresh-machine: ## Try make run and make test on a fresh Debian, as root and as an ordinary user (DEBIAN=bookworm; needs root)
	@command -v debootstrap >/dev/null || scripts/as-root apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
	@scripts/as-root scripts/fresh-machine $(or $(DEBIAN),trixie)

lock: setup ## Lock the newest versions again
	scripts/lock $(VENV)/bin/uv

clean: ## Remove everything that was set up or left behind
	rm -rf $(VENV) $(SAM_VENV) $(CHECKOV_VENV) $(NODE_VENV) $(RUNTIME_VENV) $(PEERS_VENV) $(GENERATORS_VENV) $(SCAN_VENV) $(DEPLOYED_VENV) $(EMULATOR_VENV) tests/node/node_modules tests/clients/javascript/node_modules tests/clients/verify/node_modules tests/portal/node_modules $(PEERS)/node_modules $(MYSQL_GRAMMAR)/node_modules $(GENERATORS)/node_modules $(INFRASTRUCTURE)/node_modules $(OPENAPI_LINT)/node_modules $(REFERENCE)/node_modules .local .aws-sam .mypy_cache .ruff_cache .pytest_cache

.PHONY: bench bench-validate bench-proofs bench-refresh bench-growth bench-cleanup bench-fleet bench-load bench-peers peers

bench: bench-validate bench-proofs bench-refresh bench-growth bench-cleanup ## Run the benchmarks, about half an hour

bench-validate: setup package
	@$(PY) benchmarks/validate.py

bench-proofs: setup
	@$(PY) -m benchmarks.proofs

bench-refresh: setup
	@$(PY) -m benchmarks.refresh

bench-growth: setup
	@$(PY) -m benchmarks.growth

bench-cleanup: setup
	@$(PY) -m benchmarks.cleanup

bench-fleet: setup ## The revocation feed of 10 to 2,000 environments against one database, about 12 minutes (TOKENS_DB=mysql for MySQL)
	@$(PY) -m benchmarks.fleet $(ARGS)

bench-load: setup ## Calls a second of one database until the p99 doubles, about 3 minutes (TOKENS_DB=mysql for MySQL)
	@$(PY) -m benchmarks.load $(ARGS)

bench-peers: setup peers ## Ours beside other token servers, called in process, in turns on one database (TOKENS_DB=mysql for MySQL)
	@$(PY) -m benchmarks.peers $(ARGS)
