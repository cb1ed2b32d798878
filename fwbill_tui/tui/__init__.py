"""The terminal screens. The only place that imports Textual."""

import os

# Textual paints at the next tick of a clock; at its usual 60 ticks a second an answer waits for up to 17 ms.
os.environ.setdefault("TEXTUAL_FPS", "240")
