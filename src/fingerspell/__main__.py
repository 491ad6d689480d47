"""`python -m fingerspell`."""

import sys

from fingerspell.cli.main import main

sys.exit(main())
