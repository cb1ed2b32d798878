"""A command that waits for a rate limit says so on a terminal, and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from fwbill_tui.demo.faults import Fault, Faults, RateLimit
from fwbill_tui.demo.server import DemoServer

LIMIT = Faults((Fault(RateLimit(2, seconds=3), "grpc.*"),))


@pytest.mark.skipif(sys.platform == "win32", reason="no such terminals")
@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize("command", ["summary", "export"])
def test_a_rate_limit_is_counted_down_on_a_terminal(tmp_path: Path, command: str, terminal: bool) -> None:
    near, far = pty.openpty() if terminal else os.pipe()
    with DemoServer(1_000, end=date(2026, 11, 21), faults=LIMIT) as server:
        environ = os.environ | {
            "FIREWORKS_API_KEY": server.api_key,
            "FIREWORKS_BASE_URL": server.base_url,
            "FIREWORKS_GATEWAY_ADDR": server.gateway_addr,
            "COLUMNS": "200",
        }
        arguments = [command, "-a", "acme-prod", "--range", "2026-08-24..2026-11-20", "--no-archive"]
        program = subprocess.Popen(
            [sys.executable, "-m", "fwbill_tui", *arguments], env=environ, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=far
        )
        os.close(far)
        said = b""
        try:
            while part := os.read(near, 4096):
                said += part
        except OSError:  # how a terminal ends whose program has gone
            pass
        finally:
            os.close(near)
            code = program.wait(60)
    assert code == 0, said
    if terminal:
        assert b"2 of 3 windows; trying again in 3 s: ExportBillingMetrics" in said
        assert b"trying again in 1 s" in said
        waited, _, after = said.rpartition(b"\r\x1b[K")
        done = {"summary": b"", "export": b"fwbill: written to billing_metrics.csv\r\n"}
        assert after == done[command], "the line is gone in the end"
        assert b"\n" not in waited
    else:
        assert said == b""
