# The five commands of this project. They need Python 3.11 with venv, and make; nothing else.

PYTHON ?= $(or $(shell command -v python3.11),$(shell command -v python3),python3.11)
UV_VERSION := 0.13.8
UV := .tools/uv-$(UV_VERSION)/bin/uv
RUN := .venv/bin/python
WORKERS ?= 3

export UV_PYTHON_DOWNLOADS := never
export UV_COMPILE_BYTECODE := 1
# Dozens of processes start here: each would compile the whole product anew.
unexport PYTHONDONTWRITEBYTECODE
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt),)
export UV_SYSTEM_CERTS := 1
endif
ifneq ($(shell test -w "$$HOME" && echo yes),yes)
export UV_CACHE_DIR := $(CURDIR)/.tools/cache
export PIP_NO_CACHE_DIR := 1
endif

# What a production process would be given; nothing connects to these.
PRODUCTION := env -u KATAL_DEBUG KATAL_HTTPS=1 KATAL_HOSTS=cloud.example \
	KATAL_SECRET_KEY=3tQm9-for-checking-only-Zx81vKpLw07RsYbN52uHcEa6dJgTf \
	DATABASE_URL='postgresql://katal@/katal?host=/nonexistent' REDIS_URL=redis://localhost:1/0

.PHONY: run test check bench shots _environment
.DEFAULT_GOAL := run

run: _environment  # the whole cloud on this machine; DEMO=0 starts it empty
	@exec $(RUN) -m portal.embedded

test: _environment  # everything, in parallel, on servers of its own
	@$(RUN) -m pytest -q -n $(WORKERS) $(ARGS)

check: _environment  # format, lint, types, import contracts, migrations in step, deployment
	@$(UV) lock --check --quiet
	@$(RUN) -m ruff format --check --quiet .
	@$(RUN) -m ruff check --quiet .
	@$(RUN) -m mypy
	@.venv/bin/lint-imports --no-logo
	@$(PRODUCTION) $(RUN) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@for process in admin tenant spf worker; do \
		DJANGO_SETTINGS_MODULE=portal.settings.$$process \
		$(PRODUCTION) $(RUN) manage.py check --deploy --fail-level WARNING || exit 1; \
	done

bench: $(UV)  # the benchmark table; the servers it compares live in an environment of their own
	@UV_PROJECT_ENVIRONMENT=.tools/bench $(UV) sync --frozen --quiet --group bench --python "$(PYTHON)"
	@.tools/bench/bin/python -m tests.bench $(ARGS)

shots: _environment  # screenshots of every page, three widths, light and dark
	@$(RUN) -m tests.shots $(ARGS)

_environment: $(UV)
	@test -x $(RUN) || $(UV) venv --quiet --python "$(PYTHON)" .venv
	@$(UV) sync --frozen --quiet

$(UV):
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || { \
		echo "Katal needs Python 3.11. Install it, or say where it is: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; \
		exit 1; }
	@"$(PYTHON)" -m venv .tools/uv-$(UV_VERSION) || { \
		echo "Python's venv module is missing (on Debian: apt install python3.11-venv)."; exit 1; }
	@.tools/uv-$(UV_VERSION)/bin/python -m pip install -qq --disable-pip-version-check uv==$(UV_VERSION)
