"""python -m gradcompare."""

import sys

from gradcompare.cli import main

sys.exit(main())
