"""Pages of the fabric that are more than a noun: machines, jobs, drift, capacity, hosts, trials."""
