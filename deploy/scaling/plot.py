"""Line plots under each other as SVG, without a library to install."""

from html import escape

WIDTH, HEIGHT, LEFT, TOP, GAP = 900, 110, 80, 50, 40
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
POINTS = 800


def thinned(values):
    """At most POINTS values: the highest of each bucket, so that no peak is lost."""
    size = max(1, -(-len(values) // POINTS))
    return [max(values[start:start + size]) for start in range(0, len(values), size)]


def panel(top, label, values):
    """One plot with its frame, days below and its highest value at the left."""
    values = thinned(values)
    highest = max(max(values), 1e-9)
    step = (WIDTH - LEFT) / max(len(values) - 1, 1)
    points = " ".join(f"{LEFT + i * step:.1f},{top + HEIGHT - v / highest * HEIGHT:.1f}" for i, v in enumerate(values))
    shown = f"{highest:,.2f}" if highest < 10 else f"{highest:,.0f}"
    days = "".join(
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{top + HEIGHT}" class="grid"/>'
        f'<text x="{x + 4:.1f}" y="{top + HEIGHT + 14}">{day}</text>'
        for day, x in ((day, LEFT + i * (WIDTH - LEFT) / 7) for i, day in enumerate(DAYS)))
    return (f'<text x="{LEFT}" y="{top - 6}" class="label">{escape(label)}</text>{days}'
            f'<text x="{LEFT - 6}" y="{top + 10}" text-anchor="end">{shown}</text>'
            f'<text x="{LEFT - 6}" y="{top + HEIGHT}" text-anchor="end">0</text>'
            f'<rect x="{LEFT}" y="{top}" width="{WIDTH - LEFT}" height="{HEIGHT}" class="frame"/>'
            f'<polyline points="{points}"/>')


def panels(title, plots):
    """The SVG of several plots, `(label, values)` each."""
    height = TOP + len(plots) * (HEIGHT + GAP) + 10
    body = "\n".join(panel(TOP + i * (HEIGHT + GAP), label, values) for i, (label, values) in enumerate(plots))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 20} {height}" font-family="sans-serif" font-size="11">\n'
            "<style>rect.frame{fill:none;stroke:#999}line.grid{stroke:#ddd}"
            "polyline{fill:none;stroke:#1f6feb;stroke-width:1.2}.label{font-weight:bold}</style>\n"
            f'<rect width="100%" height="100%" fill="#fff"/>\n<text x="{LEFT}" y="20" font-size="15">{escape(title)}</text>\n{body}\n</svg>\n')
