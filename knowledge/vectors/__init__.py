"""A live, log-structured vector index: add, remove and search at the same time."""

from knowledge.flat import DamagedSnapshot
from knowledge.vectors.filters import Filter
from knowledge.vectors.index import Frozen, VectorIndex, VectorStats
from knowledge.vectors.settings import VectorSettings

__all__ = ["DamagedSnapshot", "Filter", "Frozen", "VectorIndex", "VectorSettings", "VectorStats"]
