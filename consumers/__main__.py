"""`python -m consumers`, the same as `tessera consume`."""

import os
import sys

from consumers import run
from services.settings import SettingsError

if __name__ == "__main__":
    try:
        sys.exit(run(os.environ))
    except SettingsError as fault:
        sys.stderr.write(f"{fault}\n")
        sys.exit(2)
