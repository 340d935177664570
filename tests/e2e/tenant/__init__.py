"""A tenant's own site in a browser: many journeys in one cloud, each in a file of its own."""
