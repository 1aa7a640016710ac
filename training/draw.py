"""A page to draw a digit on, read while it is drawn: `python training/draw.py --help`."""

import sys
from pathlib import Path

if not __package__:  # run as a file: this folder is on the path and must not hide modules of other packages
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from collections.abc import Sequence
from typing import Any

from training import predict, startup
from training.command import exit_status, leave
from training.errors import UsageError
from training.options import Parser
from training.values import integer

PROGRAM = "draw.py"
PORT = 8028

_DESCRIPTION = """\
Serve a page to this machine alone, on which a digit is drawn with mouse, finger, pen or keys, and which shows at once
what the network reads, the 28 x 28 image that it gets, and what its convolutions make of that. Ctrl-C ends it.
"""

_EPILOG = """\
The page loads nothing from elsewhere, and what is drawn goes to this process only. It is prepared as
training/predict.py prepares pictures.

exit status:
  0 ended by Ctrl-C or SIGTERM;  2 bad option, no model, or a port that is taken: one line on stderr
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Serve as `argv` says until interrupted and return the exit status, as `--help` explains."""
    return exit_status(PROGRAM, lambda: _run(_parser().parse_args(argv)))


def _parser() -> Parser:
    parser = Parser(PROGRAM, _DESCRIPTION, _EPILOG)
    predict.add_model(parser)
    about = "port on 127.0.0.1; 0: one that is free (default: %(default)s)"
    parser.add_argument("--port", type=integer(0, 65535), default=PORT, metavar="N", help=about)
    return parser


def _run(options: Any) -> None:
    startup.require_packages()
    from training import serving, trained

    model = trained.load(options.model)
    try:
        server = serving.Server(model, options.port)
    except OSError as error:
        raise UsageError(f"--port: expected one that is free, got {options.port}: {error.strerror}") from error
    with server:
        sys.stdout.write(f"draw a digit on http://127.0.0.1:{server.server_port}/ (Ctrl-C ends)\n")
        sys.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:  # how it is meant to end
            sys.stdout.write("\n")


if __name__ == "__main__":
    leave(main())
