"""What a benchmark ran on, and what its processes used."""

from __future__ import annotations

import os
import platform
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path

import psutil
from msgspec import Struct

MB = 2**20


def describe() -> str:
    """One line: processor, cores, memory, versions."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    return (
        f"{model}, {os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GB, "
        f"Python {platform.python_version()}, Ray {version('ray')}"
    )


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


class Usage(Struct, frozen=True):
    """Of one kind of process: how many, proportional set size in bytes, CPU seconds since they began."""

    count: int
    pss: int
    cpu_s: float


def usage(roots: list[int]) -> dict[str, Usage]:
    """By kind of process, over the given processes and all their descendants."""
    found: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for pid in roots:
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            try:
                times = process.cpu_times()
                pss = process.memory_full_info().pss
                found[_kind(process)].append((pss, times.user + times.system))
            except psutil.Error:
                continue  # gone meanwhile
    return {
        kind: Usage(len(each), sum(pss for pss, _ in each), sum(cpu for _, cpu in each))
        for kind, each in sorted(found.items())
    }


def total_pss(kinds: dict[str, Usage]) -> int:
    return sum(kind.pss for kind in kinds.values())


def _kind(process: psutil.Process) -> str:
    line = " ".join(process.cmdline())
    for mark, kind in _KINDS:
        if mark in line:
            return kind
    name: str = process.name()
    return name


_KINDS = (
    ("kefu:ingress", "ingress"),
    ("kefu:embedder", "embedder"),
    ("kefu:retriever", "retriever"),
    ("kefu:gateway", "gateway"),
    ("kefu:supervisor", "supervisor"),
    ("SessionHost", "session host"),
    ("session-host", "session host"),
    ("ServeController", "Serve controller"),
    ("HAProxyManager", "Serve HAProxy manager"),
    ("ProxyActor", "Serve fallback proxy"),
    ("haproxy", "HAProxy"),
    ("postgres", "Postgres"),
    ("gcs_server", "Ray gcs, raylet"),
    ("raylet/raylet", "Ray gcs, raylet"),
    ("dashboard", "Ray dashboard"),
    ("ray/", "Ray agents"),
    ("ray::", "Ray agents"),
    ("kefu up", "kefu up"),
)
