"""`python -m portal.embedded`: what `make run` calls."""

import sys

from portal.embedded.launcher import main

sys.exit(main())
