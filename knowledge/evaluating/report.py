"""Everything an evaluation found, side by side, as it is printed and written."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from knowledge.evaluating.evaluation import Speed
from knowledge.evaluating.outcomes import Outcome
from knowledge.evaluating.summary import PRECISIONS, Changes, Summary, changes, label, misses

_SHOWN_CHANGES = 10


class System(Struct, frozen=True):
    """One configuration's figures. `speed`: None where the search of another configuration was reused."""

    configuration: str
    asked_of: str
    summary: Summary
    speed: Speed | None
    outcomes: tuple[Outcome, ...]


class Report(Struct, frozen=True):
    """`k`: of "hit@k". The first system is what the others are compared with."""

    questions: str
    k: int
    systems: tuple[System, ...]
    changes: Changes | None


def report(questions: str, k: int, systems: Sequence[System]) -> Report:
    changed = changes(systems[0].outcomes, systems[1].outcomes) if len(systems) > 1 else None
    return Report(questions, k, tuple(systems), changed)


class _Line(Struct, frozen=True):
    """A figure of each system. `unit`: "%" for a share; `digits` after the point."""

    name: str
    figures: tuple[float | None, ...]
    unit: str = "%"
    digits: int = 1


def print_report(found: Report, console: Console, most_misses: int) -> None:
    first = found.systems[0].summary
    console.print(
        f"{found.questions}: {first.questions:,} questions, {first.in_scope:,} in scope, "
        f"{first.out_of_scope:,} that must not be answered",
        markup=False,
    )
    console.print(_figures(found))
    if first.hit_1_margin is not None:
        console.print(f"[dim]hit@1 of so many questions is known to ± {first.hit_1_margin:.1%} (95 %)[/]")
    if found.changes is not None:
        _print_changes(found, console)
    if most_misses:
        _print_misses(found.systems[0], most_misses, console)


def _figures(found: Report) -> Table:
    table = Table(
        title="What was found, and what the bot would do",
        caption="coverage at 95 %: the most questions that can be answered, surest first, with 95 % of the answers "
        "right; of the questions in scope, and of all, where those out of scope count as wrong",
    )
    table.title_justify = table.caption_justify = "left"
    table.add_column("", no_wrap=True)
    for system in found.systems:
        table.add_column(escape(system.configuration.replace(",", ",\n").replace("=", "=\n")), justify="right")
    for line in _lines(found):
        if all(figure is None for figure in line.figures):
            continue
        first, *others = line.figures
        table.add_row(
            line.name, _shown(line, first), *(_shown(line, each) + _difference(line, first, each) for each in others)
        )
    return table


def _lines(found: Report) -> list[_Line]:
    each = [system.summary for system in found.systems]
    speeds = [system.speed for system in found.systems]

    def of_speed(name: str, field: str, unit: str, digits: int) -> _Line:
        return _Line(name, tuple(getattr(speed, field) if speed else None for speed in speeds), unit, digits)

    def of(name: str, field: str, unit: str = "%", digits: int = 1) -> _Line:
        return _Line(name, tuple(getattr(summary, field) for summary in each), unit, digits)

    keys = [label(precision) for precision in PRECISIONS]
    return [
        of("hit@1", "hit_1"),
        of(f"hit@{found.k}", "hit_k"),
        of("MRR", "reciprocal_rank", "", 3),
        *(_Line(f"coverage at {key}, in scope", tuple(s.coverage.get(key) for s in each)) for key in keys),
        *(_Line(f"coverage at {key}, of all", tuple(s.coverage_of_all.get(key) for s in each)) for key in keys),
        of("AUROC, in or out of scope", "auroc", "", 3),
        of("answered", "answered"),
        of("  right of these", "right_of_answered"),
        of("asked back", "clarified"),
        of("  a right option among them", "right_of_clarified"),
        of("declined", "declined"),
        of("out of scope, answered", "out_of_scope_answered"),
        of("calibration error", "calibration_error", "", 3),
        of_speed("one question p50, ms", "p50_ms", "", 1),
        of_speed("one question p99, ms", "p99_ms", "", 1),
        of_speed("questions/s in batches", "per_s", "", 0),
    ]


def _shown(line: _Line, figure: float | None) -> str:
    if figure is None:
        return "-"
    return f"{figure * 100:.{line.digits}f} %" if line.unit == "%" else f"{figure:,.{line.digits}f}"


def _difference(line: _Line, first: float | None, figure: float | None) -> str:
    if first is None or figure is None:
        return ""
    scale = 100 if line.unit == "%" else 1
    return f" ({(figure - first) * scale:+,.{line.digits}f})"


def _print_changes(found: Report, console: Console) -> None:
    assert found.changes is not None
    first, second = found.systems[:2]
    console.print(
        f"\nFrom {first.configuration} to {second.configuration}: {len(found.changes.fixed)} questions fixed, "
        f"{len(found.changes.broken)} broken; chance alone would do this with p = {found.changes.chance:.2g}",
        markup=False,
    )
    for name, questions in (("fixed", found.changes.fixed), ("broken", found.changes.broken)):
        for question in questions[:_SHOWN_CHANGES]:
            console.print(f"  {name}  {question}", markup=False, soft_wrap=True)
        if len(questions) > _SHOWN_CHANGES:
            console.print(f"  {name}  and {len(questions) - _SHOWN_CHANGES} more (--json has them)", markup=False)


def _print_misses(system: System, most: int, console: Console) -> None:
    worst = misses(system.outcomes, most)
    if not worst:
        console.print("No question was missed.")
        return
    table = Table(title="Worst misses, the surest first", title_justify="left")
    for name in ("question", "expected", "got", "said", "sure"):
        table.add_column(name, overflow="fold")
    for each in worst:
        best = each.hits[0] if each.hits else None
        table.add_row(
            escape(each.question),
            escape(" | ".join(each.expected) or "none"),
            f"{escape(best.title)}\n[dim]{escape(best.id)}[/]" if best else "nothing",
            each.kind or "-",
            f"{each.sure:.2f}",
        )
    console.print(table)
