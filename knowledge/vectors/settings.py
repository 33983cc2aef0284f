"""What a vector index may be told; every default has its measured reason."""

from __future__ import annotations

from msgspec import Struct

# From here on an inverted list has 250 rows and more; more lists would only make training and
# assignment slower (1M rows against 4,096 centroids: 40 s on one core, and it grows with both).
_MOST_LISTS = 4096
# On 200,000 sentences 1,024 lists had to be scanned for 23 % of the rows at a recall of 0.985,
# 4,096 for 11 %: fine lists scan less, until the centroids themselves take the time.
_LISTS_PER_ROOT = 8.0


class VectorSettings(Struct, frozen=True):
    """How a `VectorIndex` stores and searches. The defaults suit sentence embeddings up to some millions."""

    exact_rows: int = 20_000
    """Up to so many rows all are kept in float32 and compared: exact, 0.5 ms."""

    seal_rows: int = 4_096
    """Beyond that, so many new rows are sealed into a segment; comparing them takes 0.09 ms a query."""

    segment_rows: int = 524_288
    """A merge never makes a larger segment, so that it needs no more than some 370 MB beside the index."""

    merge_ratio: int = 8
    """A segment joins a merge when it has at most this many times the rows of all smaller ones together. Each segment
    costs a search 0.1 ms and more, as its lists end in half-empty blocks; a row is copied eight times in its life."""

    dead_share: float = 0.2
    """A segment with more tombstones than this share is rewritten without them."""

    retrain_growth: int = 4
    """Lists and codes are learnt anew when the index has grown this many times since."""

    most_lists: int = _MOST_LISTS
    """Inverted lists at most."""

    code_dims: int = 4
    """Dimensions per 4-bit code of the scan: 4 gives 48 bytes a row of 384, compared at 200M rows/s."""

    list_recall: float = 0.975
    """Share of true neighbours whose lists are scanned, which the index measures on itself (reach.py): lists whose
    centroid is near enough, few for easy questions, many for hard ones; half as many at the median as a fixed
    count needs. At 1M rows it makes a recall@10 of 0.98; 0.985 makes 0.986 and takes a quarter longer."""

    most_probed: float = 0.3
    """Share of the lists that is scanned at most: bounds the slowest query. At 1M rows 0.25 lost 0.001 of recall."""

    measure_growth: float = 2.0
    """What `list_recall` means is measured anew when the index has grown this many times since."""

    refine: int = 300
    """Best rows of the scan that are scored by 8 bits: at 1M rows 400 gained 0.0004 of recall."""

    filter_rows: int = 20_000
    """A filter that leaves at most so many rows is searched exactly, by 8 bits and then 12: 0.1 ms a thousand."""

    waiting_rows: int = 65_536
    """Rows that may wait for sealing before `add` waits too (float32: 100 MB)."""

    def lists_for(self, rows: int) -> int:
        """Inverted lists for an index of `rows` that may grow `retrain_growth` times before it is retrained."""
        return max(1, min(self.most_lists, int(_LISTS_PER_ROOT * rows**0.5), rows // 8))
