"""`python -m ui`: build what changed."""

import sys

from ui.build import BuildFailed, build


def main() -> int:
    """Build; a failure is told with what the tool said."""
    try:
        build(tell=lambda line: sys.stderr.write(f"{line}\n"))
    except BuildFailed as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
