"""How often the crash tests run, and with which random numbers."""

from __future__ import annotations

import os
import random

RUNS = int(os.environ.get("KEFU_CHAOS_RUNS", "20"))
SEED = int(os.environ.get("KEFU_CHAOS_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
