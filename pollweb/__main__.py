"""`python -m pollweb`: pictures, text and speech on the command line, from any pollweb or the public service."""

import sys

from pollweb.cli import main

if __name__ == "__main__":
    sys.exit(main())
