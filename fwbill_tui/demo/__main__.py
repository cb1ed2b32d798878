"""For developers: `python -m fwbill_tui.demo generate|serve` writes demo usage to a file, or runs the server by itself."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from datetime import date
from pathlib import Path

from fwbill_tui.demo.generator import DAYS, DEFAULT_ROWS, SEED, Plan


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m fwbill_tui.demo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    generate = commands.add_parser("generate", help="write usage events to FILE.csv or FILE.parquet")
    serve = commands.add_parser("serve", help="serve REST, gRPC and signed downloads on this machine until ctrl+c or SIGTERM")
    for command in (generate, serve):
        command.add_argument("--rows", type=int, default=DEFAULT_ROWS, help="events to make (default %(default)s)")
        command.add_argument("--seed", type=int, default=SEED)
        command.add_argument("--days", type=int, default=DAYS, help="how many days have usage (default %(default)s)")
        command.add_argument("--end", type=date.fromisoformat, help="the last day (default: yesterday, UTC)")
    generate.add_argument("--output", type=Path, required=True, metavar="FILE")
    given = parser.parse_args(arguments)
    try:
        plan = Plan(given.rows, seed=given.seed, end=given.end, days=given.days)
    except ValueError as error:
        parser.error(str(error))
    if given.command == "serve":
        return _serve(plan)
    return _generate(plan, given.output)


def _generate(plan: Plan, output: Path) -> int:
    match output.suffix:
        case ".csv":
            plan.write_csv(output)
        case ".parquet":
            plan.write_parquet(output)
        case _:
            print(f"{output}: name a file that ends in .csv or .parquet", file=sys.stderr)
            return 2
    return 0


def _serve(plan: Plan) -> int:
    from fwbill_tui.demo.server import DemoServer

    end_of_service = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end_of_service.set())
    with DemoServer(rows=plan.rows, seed=plan.seed, end=plan.end, days=plan.days) as server:
        print(f"export FIREWORKS_BASE_URL={server.base_url}")
        print(f"export FIREWORKS_GATEWAY_ADDR={server.gateway_addr}")
        print(f"export FIREWORKS_API_KEY={server.api_key}", flush=True)
        end_of_service.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
