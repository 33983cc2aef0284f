"""The collector of `documents`, under the name that `shape` knows it by."""

from documents.problems import Problems

__all__ = ["Problems"]
