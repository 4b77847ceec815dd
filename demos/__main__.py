"""`python -m demos` starts the suite in a browser's reach; `python -m demos NAME` starts one function."""

from __future__ import annotations

import argparse
import sys

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.contract.registry import names


def main(arguments: list[str] | None = None) -> int:
    """Serves until Ctrl-C. The exit status: 1 for a fault that the user can mend, told in one sentence."""
    parser = argparse.ArgumentParser(prog="python -m demos", description="Serve the page, REST and MCP.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"functions on the page; default: all ({', '.join(names())})"
    )
    parser.add_argument("--host", help="address to listen on; default: GRADIO_SERVER_NAME or 127.0.0.1")
    parser.add_argument("--port", type=int, help="port to listen on; default: GRADIO_SERVER_PORT or 7860")
    options = parser.parse_args(arguments)
    from kogpt_funcs.surfaces.suite import launch

    try:
        launch(options.names, options.host, options.port)
    except KogptError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
