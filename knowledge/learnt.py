"""What was learnt from a tenant's own questions, for one language."""

from __future__ import annotations

from msgspec import Struct

from knowledge.head import Head
from knowledge.ranking import Calibration


class Learnt(Struct, frozen=True):
    """A head over the questions, and weights and confidence fitted to them. Never changed; read by any thread."""

    head: Head
    calibration: Calibration
