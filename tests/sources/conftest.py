"""Makes the stand-in for firectl available here."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "fireworks"))
sys.path.insert(0, str(Path(__file__).parent))  # raw_http2, left_behind
from firectl_stand_in import firectl as firectl
