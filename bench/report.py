"""The results as a page and a chart."""

import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape

import psutil

from bench.side_by_side import Measured

RESULTS = Path(__file__).parent / "RESULTS.md"
CHART = Path(__file__).parent / "results.svg"

Row = Sequence[str]


def table(header: Row, rows: Iterable[Row]) -> str:
    lines = [" | ".join(header), " | ".join("---" for _ in header), *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)


def side_by_side_tables(measured: Sequence[Measured]) -> str:
    """One table for each scenario, every server as a ratio to Tessera."""
    parts = []
    for scenario in dict.fromkeys(m.scenario for m in measured):
        rows = [m for m in measured if m.scenario == scenario]
        base = next(m for m in rows if m.server == "Tessera")
        shown = [
            (
                f"**{m.server}**" if m is base else m.server,
                f"{m.rate:,.0f}",
                f"{base.rate / m.rate:.2f} ×" if m.rate else "–",
                f"{m.p50:.1f}",
                f"{m.p99:.1f}",
                f"{m.cpu:.3f}",
                f"{m.lost:.1%}" if m.lost else "none" if scenario.startswith("redeem") else "–",
            )
            for m in rows
        ]
        header = ("server", "req/s", "Tessera is", "p50 ms", "p99 ms", "CPU s for 1,000", "lost")
        parts.append(f"### {scenario}\n\n{table(header, shown)}")
    return "\n\n".join(parts)


def chart(measured: Sequence[Measured]) -> str:
    """Bars of requests a second, each scenario scaled to its own quickest."""
    bars: list[str] = []
    y = 20
    for scenario in dict.fromkeys(m.scenario for m in measured):
        rows = [m for m in measured if m.scenario == scenario]
        quickest = max(m.rate for m in rows) or 1
        bars.append(f'<text x="10" y="{y + 12}" font-weight="bold">{escape(scenario)}</text>')
        y += 20
        for m in rows:
            width = max(1, round(m.rate / quickest * 420))
            colour = "#0f766e" if m.server.startswith("Tessera") else "#94a3b8"
            bars.append(f'<text x="170" y="{y + 12}" text-anchor="end">{escape(m.server)}</text>')
            bars.append(f'<rect x="178" y="{y}" width="{width}" height="15" rx="2" fill="{colour}"/>')
            bars.append(f'<text x="{184 + width}" y="{y + 12}">{m.rate:,.0f}/s</text>')
            y += 20
        y += 14
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="700" height="{y}" font-family="sans-serif" font-size="12">'
        f'<rect width="700" height="{y}" fill="#ffffff"/>{"".join(bars)}</svg>\n'
    )


def machine() -> str:
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"Python {platform.python_version()}, {psutil.cpu_count()} cores shared by server, mongod and wrk, "
        f"{memory:.0f} GiB, {datetime.now(UTC):%Y-%m-%d}."
    )


def write(sections: Sequence[tuple[str, str]], measured: Sequence[Measured]) -> None:
    """Write `RESULTS.md` and the chart beside it."""
    parts = [f"## {title}\n\n{text}" for title, text in sections]
    head = (
        "# Results\n\nWritten by `make bench`; nothing here is typed by hand. The absolute figures belong to one "
        f"machine and one day, the ratios are what to keep.\n\n{machine()}\n\n![chart](results.svg)"
    )
    RESULTS.write_text("\n\n".join([head, *parts]) + "\n")
    CHART.write_text(chart(measured))
