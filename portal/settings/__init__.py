"""One module per process: admin, tenant, spf, worker, test. The environment is read here only."""
