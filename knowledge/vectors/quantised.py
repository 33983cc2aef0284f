"""Codes, inverted lists and their scan. The only module that imports faiss."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import faiss as _typed
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from knowledge.vectors.bitmap import Bits, Floats, Ints

Bytes = npt.NDArray[np.uint8]
Lists = npt.NDArray[np.uint16]

faiss: Any = _typed  # its stubs lack, or get wrong, half of what is used here

_ITERATIONS = 8  # of k-means; more moved recall by less than 0.001
_POINTS_PER_LIST = 40  # that k-means sees; fewer and faiss warns
_CODE_POINTS = 60_000  # that the 16 values of each code are learnt from
_CHUNK = 8_192  # rows encoded at once: 0.3 s with 4,096 lists, after which sealing may have a turn
# Later rows go beyond the range of those learnt from, the more the fewer these were; what lies
# outside is cut. 4 widens it by 3 % for 20,000 rows.
_MARGIN = 4.0
_MIDDLE = 7.5  # of the lower 4 bits: what a score of the upper ones alone takes them for
# faiss's scan for a single query with a reservoir: 0.11 ms where its own choice (12), made for
# batches, takes 0.21. The rows found are the same.
_ONE_QUERY = 11
# Up to so many rows a segment is one list: 0.05 ms for 4,096, where some 280 lists with a block
# of 32 for a row or two would take 0.15.
_ONE_LIST = 10_000
_SCORED = 512  # rows scored at once: as floats they stay in the second-level cache
_BLOCK = 32  # rows that the scan compares at once; a list's last block is padded

_local = threading.local()


def one_thread() -> None:
    """faiss's thread count belongs to the calling thread; a query on two cores is slower when both are busy."""
    if not getattr(_local, "set", False):
        faiss.omp_set_num_threads(1)
        _local.set = True


class Encoded(Struct, frozen=True):
    """Rows as a codec stores them."""

    lists: Lists
    """(n,) the inverted list of each row."""
    codes: Bytes
    """(n, code bytes) for the scan."""
    rows: Bytes
    """(n, dim) the upper 8 bits of each dimension, for the second score."""
    fine: Bytes
    """(n, dim / 2) the lower 4 bits, two dimensions to a byte, for the final score of the few best."""

    def take(self, rows: Ints) -> Encoded:
        return Encoded(
            self.lists[rows],
            self.codes.take(rows, axis=0),
            self.rows.take(rows, axis=0),
            self.fine.take(rows, axis=0),
        )

    @property
    def nbytes(self) -> int:
        return int(self.lists.nbytes + self.codes.nbytes + self.rows.nbytes + self.fine.nbytes)


class Codec:
    """Centroids, scan codes and 12-bit ranges, learnt once; never changed, so any thread may use it."""

    def __init__(
        self, centroids: Floats, code_values: Floats, low: Floats, step: Floats, name: str | None = None
    ) -> None:
        """`centroids`: (lists, dim). `code_values`: (dim / code_dims, 16, code_dims). `low`, `step`: (dim,).

        `name` tells its file from every other's.
        """
        self.name = name or uuid.uuid4().hex
        self.centroids = np.ascontiguousarray(centroids)
        self.code_values = np.ascontiguousarray(code_values)
        self.low, self.step = low, step
        self.dim = centroids.shape[1]
        self._coarse = faiss.IndexFlatIP(self.dim)
        self._coarse.add(self.centroids)
        self._coder: Any = _inverted(self._coarse, centroids.shape[0], code_values.shape[0])
        faiss.copy_array_to_vector(self.code_values.ravel(), self._coder.pq.centroids)
        self._coder.is_trained = True

    def arrays(self) -> dict[str, Floats]:
        """What `Codec(**arrays)` makes the same codec of."""
        return {"centroids": self.centroids, "code_values": self.code_values, "low": self.low, "step": self.step}

    @property
    def nbytes(self) -> int:
        """The centroids count twice: faiss has a copy."""
        return int(2 * self.centroids.nbytes + self.code_values.nbytes)

    @classmethod
    def train(cls, vectors: Floats, lists: int, code_dims: int, pause: Callable[[], None]) -> Codec:
        """From a sample of at least `lists` rows; calls `pause` every few seconds."""
        one_thread()
        dim = vectors.shape[1]
        means = faiss.Kmeans(
            dim, lists, niter=1, spherical=True, seed=1, min_points_per_centroid=1, max_points_per_centroid=10**6
        )
        learnt = vectors[: lists * _POINTS_PER_LIST]
        means.train(learnt)
        for _ in range(_ITERATIONS - 1):
            pause()
            means.train(learnt, init_centroids=means.centroids)
        pause()
        subspaces = dim // code_dims
        quantizer = faiss.ProductQuantizer(dim, subspaces, 4)
        quantizer.cp.min_points_per_centroid = 1
        points = vectors[:_CODE_POINTS]
        if len(points) < 16:  # a code has 16 values; a set this small repeats some
            points = np.tile(points, (16, 1))
        quantizer.train(np.ascontiguousarray(points))
        values = faiss.vector_to_array(quantizer.centroids).reshape(subspaces, 16, code_dims)
        low, high = vectors.min(axis=0), vectors.max(axis=0)
        spare = (high - low) * (_MARGIN / 2 / len(vectors) ** 0.5)
        step = np.maximum((high - low + 2 * spare) / 4095, 1e-9)
        low = low - spare
        return cls(means.centroids.copy(), values.copy(), low.astype(np.float32), step.astype(np.float32))

    def encode(self, vectors: Floats, pause: Callable[[], None] = lambda: None) -> Encoded:
        """(n, dim) to codes; calls `pause` between chunks."""
        one_thread()
        pieces = []
        for start in range(0, len(vectors), _CHUNK):
            chunk = np.ascontiguousarray(vectors[start : start + _CHUNK])
            _, nearest = self._coarse.search(chunk, 1)
            lists = nearest[:, 0].astype(np.uint16)
            bits = np.clip(np.rint((chunk - self.low) / self.step), 0, 4095).astype(np.uint16)
            rows, rest = (bits >> 4).astype(np.uint8), (bits & 15).astype(np.uint8)
            fine = rest[:, ::2] << 4 | rest[:, 1::2]
            pieces.append(Encoded(lists, self._coder.pq.compute_codes(chunk), rows, fine))
            pause()
        return joined(pieces)

    def decode(self, encoded: Encoded) -> Floats:
        """(n, dim) float32, to within half a step."""
        wide = _nibbles(encoded.fine)
        wide += encoded.rows.astype(np.float32) * 16
        return wide * self.step + self.low

    def probe(self, query: Floats, gap: float, most: int) -> tuple[Floats, Ints]:
        """Scores and numbers, best first, of the lists within `gap` of the best one, `most` at most.

        `query`: (dim,) contiguous.
        """
        one_thread()
        scores = np.empty(len(self.centroids), dtype=np.float32)
        faiss.fvec_inner_products_ny(
            faiss.swig_ptr(scores), faiss.swig_ptr(query), faiss.swig_ptr(self.centroids), self.dim, len(scores)
        )
        lists = np.flatnonzero(scores >= scores.max() - gap)
        found = scores[lists]
        order = np.argsort(-found)[:most]
        return found[order], lists[order]

    def score(self, query: Floats, rows: Bytes) -> Floats:
        """Inner products of one query, (dim,), with the upper 8 bits of rows, (n, dim)."""
        one_thread()
        scores = np.empty(len(rows), dtype=np.float32)
        scaled = query * (16 * self.step)
        for start in range(0, len(rows), _SCORED):
            wide = rows[start : start + _SCORED].astype(np.float32)
            # Not numpy's product: it would start a second thread for this.
            faiss.fvec_inner_products_ny(
                faiss.swig_ptr(scores[start:]), faiss.swig_ptr(scaled), faiss.swig_ptr(wide), self.dim, len(wide)
            )
        scores += np.float32(query @ (self.low + _MIDDLE * self.step))
        return scores

    def correction(self, query: Floats, fine: Bytes) -> Floats:
        """What the lower bits of rows, (n, dim / 2), add to their `score`."""
        # A product of its own loop, not of threads: these are some 30 rows.
        added: Floats = np.einsum("ij,j->i", _nibbles(fine) - _MIDDLE, query * self.step)
        return added

    def inverted(self, encoded: Encoded) -> Inverted:
        """The scannable form of encoded rows."""
        few = len(encoded.lists) <= _ONE_LIST
        lists = np.zeros_like(encoded.lists) if few else encoded.lists
        order = np.argsort(lists, kind="stable")
        sizes = np.bincount(lists, minlength=len(self.centroids))
        codes = np.ascontiguousarray(encoded.codes[order])
        orig = _inverted(self._coarse, len(self.centroids), self.code_values.shape[0])
        faiss.copy_array_to_vector(self.code_values.ravel(), orig.pq.centroids)
        orig.is_trained = True
        ends = np.cumsum(sizes)
        for number in np.flatnonzero(sizes).tolist():
            start, end = int(ends[number] - sizes[number]), int(ends[number])
            orig.invlists.add_entries(
                number, end - start, faiss.swig_ptr(order[start:end]), faiss.swig_ptr(codes[start:end])
            )
        orig.ntotal = len(order)
        index = faiss.IndexIVFPQFastScan(orig)
        index.implem = _ONE_QUERY
        blocks = int(np.sum(-(-sizes // _BLOCK)))
        return Inverted(index, self, few, blocks * _BLOCK * codes.shape[1] + order.nbytes)


def _inverted(coarse: Any, lists: int, subspaces: int) -> Any:
    index = faiss.IndexIVFPQ(coarse, coarse.d, lists, subspaces, 4, faiss.METRIC_INNER_PRODUCT)
    # Codes of the vectors themselves, not of what the centroid leaves: more recall at equal
    # scan (.940 against .901 with 50 rows refined), and a row keeps its code under new lists.
    index.by_residual = False
    return index


_FIRST_LIST = np.zeros(1, dtype=np.float32), np.zeros(1, dtype=np.int64)


class Inverted:
    """Inverted lists of one segment; never changed once made. Slots number the segment's rows."""

    def __init__(self, index: Any, codec: Codec, one_list: bool, nbytes: int) -> None:
        self._index, self._one_list = index, one_list
        self.nbytes = nbytes
        self._codec = codec  # owns the centroids that faiss points to

    def scan(self, query: Floats, probed: tuple[Floats, Ints], wanted: int, only: Bits | None) -> tuple[Floats, Ints]:
        """Approximate scores and slots of the best rows in the probed lists, `wanted` at most, none outside `only`."""
        one_thread()
        scores = np.empty(wanted, dtype=np.float32)
        slots = np.empty(wanted, dtype=np.int64)
        chosen = None if only is None else faiss.IDSelectorBitmap(only)
        # What a centroid scores is no part of a row's score, the codes being of the rows themselves.
        list_scores, lists = _FIRST_LIST if self._one_list else probed
        self._index.search_preassigned_c(
            1,
            faiss.swig_ptr(query),
            wanted,
            faiss.swig_ptr(lists),
            faiss.swig_ptr(list_scores),
            faiss.swig_ptr(scores),
            faiss.swig_ptr(slots),
            False,
            faiss.SearchParametersIVF(nprobe=len(lists), sel=chosen),
        )
        found = slots >= 0
        return scores[found], slots[found]


def joined(pieces: list[Encoded]) -> Encoded:
    """One after another; at least one piece."""
    return Encoded(
        np.concatenate([piece.lists for piece in pieces]),
        np.concatenate([piece.codes for piece in pieces]),
        np.concatenate([piece.rows for piece in pieces]),
        np.concatenate([piece.fine for piece in pieces]),
    )


def _nibbles(fine: Bytes) -> Floats:
    """(n, dim) float32, 0 to 15, of (n, dim / 2)."""
    wide = np.empty((len(fine), 2 * fine.shape[1]), dtype=np.float32)
    wide[:, ::2], wide[:, 1::2] = fine >> 4, fine & 15
    return wide


def nearest(queries: Floats, vectors: Floats, k: int, only: Bits | None) -> tuple[Floats, Ints]:
    """Exact: scores and rows, (q, k), of `vectors` (n, dim); -1 where `only` leaves fewer."""
    one_thread()
    scores = np.empty((len(queries), k), dtype=np.float32)
    rows = np.empty((len(queries), k), dtype=np.int64)
    faiss.knn_inner_product(
        faiss.swig_ptr(queries),
        faiss.swig_ptr(vectors),
        vectors.shape[1],
        len(queries),
        len(vectors),
        k,
        faiss.swig_ptr(scores),
        faiss.swig_ptr(rows),
        None if only is None else faiss.IDSelectorBitmap(only),
    )
    return scores, rows
