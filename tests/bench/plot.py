"""SVG plots of what benchmarks measured: grouped and stacked bars, lines, ratios. Standard library only."""
import html
import math
import textwrap

WIDTH, LEFT, RIGHT, TOP = 900, 78, 24, 74
PLOT_HEIGHT = 300
COLOURS = ["#2a6fbb", "#e08a1e", "#3a9b5c", "#b5434e", "#7b5ea7", "#6b7280"]
INK, FAINT, GRID = "#1f2933", "#616e7c", "#e4e7eb"


class Svg:
    def __init__(self):
        self.parts = []

    def line(self, x1, y1, x2, y2, colour=GRID, width=1.0, dash=""):
        extra = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                          f'stroke="{colour}" stroke-width="{width}"{extra}/>')

    def rect(self, x, y, width, height, colour, title=""):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" '
                          f'height="{max(height, 0):.1f}" fill="{colour}"><title>{html.escape(title)}</title></rect>')

    def text(self, x, y, text, size=12, anchor="start", colour=INK, weight="normal", turn=0):
        extra = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}" '
                          f'font-weight="{weight}"{extra}>{html.escape(str(text))}</text>')

    def curve(self, points, colour):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for x, y in points:
            self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{colour}"/>')

    def whole(self, height):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
                f'viewBox="0 0 {WIDTH} {height:.0f}" font-family="DejaVu Sans, Helvetica, Arial, sans-serif">\n'
                f'<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(self.parts) + "\n</svg>\n")


def short(value):
    """A number as people write it on an axis."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def ticks(highest):
    """Round numbers from 0 to just above the highest value."""
    if highest <= 0:
        return [0, 1]
    step = 10 ** math.floor(math.log10(highest / 4))
    step *= next(m for m in (1, 2, 2.5, 5, 10) if highest / (step * m) <= 5)
    return [i * step for i in range(math.ceil(highest / step) + 1)]


def caption(svg, y, sentences):
    for label, text in sentences:
        for i, row in enumerate(textwrap.wrap(text, 112)):
            if i == 0:
                svg.text(LEFT - 50, y, label, 12, weight="bold", colour=FAINT)
            svg.text(LEFT + 6, y, row, 12, colour=FAINT)
            y += 17
        y += 4
    return y


def legend(svg, names):
    x = LEFT
    for i, name in enumerate(names):
        svg.rect(x, TOP - 26, 12, 12, COLOURS[i % len(COLOURS)])
        svg.text(x + 17, TOP - 16, name, 12)
        x += 34 + 7.2 * len(name)


def frame(svg, plot, highest):
    """Title, axes and grid; gives the function from a value to its y."""
    marks = ticks(highest)
    bottom = TOP + PLOT_HEIGHT

    def y_of(value):
        return bottom - PLOT_HEIGHT * value / marks[-1]

    svg.text(LEFT - 50, 28, plot["title"], 16, weight="bold")
    if len(plot["series"]) > 1:
        legend(svg, [series["name"] for series in plot["series"]])
    for mark in marks:
        svg.line(LEFT, y_of(mark), WIDTH - RIGHT, y_of(mark))
        svg.text(LEFT - 7, y_of(mark) + 4, short(mark), 11, "end", FAINT)
    svg.line(LEFT, bottom, WIDTH - RIGHT, bottom, FAINT)
    svg.text(LEFT - 56, TOP + PLOT_HEIGHT / 2, plot["y_label"], 12, "middle", FAINT, turn=-90)
    return y_of


def x_labels(svg, plot, places):
    """Below the axis, turned where they would touch; gives where they end."""
    bottom = TOP + PLOT_HEIGHT
    names = [str(x) for x in plot["x"]]
    room = (WIDTH - LEFT - RIGHT) / len(names)
    longest = max(len(name) for name in names) * 6.6
    turned = longest > room
    for name, x in zip(names, places):
        if turned:
            svg.text(x + 4, bottom + 14, name, 11, "end", turn=-40)
        else:
            svg.text(x, bottom + 17, name, 11, "middle")
    below = bottom + (22 + longest * 0.66 if turned else 24)
    svg.text((LEFT + WIDTH - RIGHT) / 2, below + 16, plot["x_label"], 12, "middle", FAINT)
    return below + 44


def draw(plot):
    """`plot`: file, title, kind (bars, stacked, lines), x, x_label, y_label, series, and what to say below."""
    svg = Svg()
    columns = [series["values"] for series in plot["series"]]
    stacked = plot["kind"] == "stacked"
    highest = max(sum(values) if stacked else max(values) for values in zip(*columns))
    y_of = frame(svg, plot, highest)
    room = (WIDTH - LEFT - RIGHT) / len(plot["x"])
    places = [LEFT + room * (i + 0.5) for i in range(len(plot["x"]))]
    if plot["kind"] == "lines":
        places = draw_lines(svg, plot, y_of)
    elif stacked:
        draw_stacks(svg, plot, y_of, places, min(room * 0.6, 150))
    else:
        draw_bars(svg, plot, y_of, places, room * 0.76)
    end = x_labels(svg, plot, places)
    said = [(label, plot[key]) for label, key in (("paper", "paper"), ("here", "here"), ("note", "note")) if key in plot]
    return svg.whole(caption(svg, end, said) + 8)


def draw_bars(svg, plot, y_of, places, room):
    width = room / len(plot["series"])
    for i, series in enumerate(plot["series"]):
        for name, x, value in zip(plot["x"], places, series["values"]):
            left = x - room / 2 + i * width
            svg.rect(left, y_of(value), width - 1, y_of(0) - y_of(value), COLOURS[i % len(COLOURS)],
                     f"{name}, {series['name']}: {short(value)}")


def draw_stacks(svg, plot, y_of, places, width):
    for at, x in enumerate(places):
        base = 0
        for i, series in enumerate(plot["series"]):
            value = series["values"][at]
            svg.rect(x - width / 2, y_of(base + value), width, y_of(base) - y_of(base + value),
                     COLOURS[i % len(COLOURS)], f"{series['name']}: {short(value)}")
            if y_of(base) - y_of(base + value) > 16:
                svg.text(x, (y_of(base) + y_of(base + value)) / 2 + 4, short(value), 11, "middle", "white")
            base += value
        svg.text(x, y_of(base) - 6, short(base), 11, "middle")


def draw_lines(svg, plot, y_of):
    """Numbers as x stand where they belong."""
    numbers = plot["x"]
    low, high = min(numbers), max(numbers)
    span = (high - low) or 1
    inner = WIDTH - LEFT - RIGHT - 60
    places = [LEFT + 30 + inner * (x - low) / span for x in numbers]
    for i, series in enumerate(plot["series"]):
        svg.curve([(x, y_of(value)) for x, value in zip(places, series["values"])], COLOURS[i % len(COLOURS)])
    return places


def draw_ratios(title, rows):
    """Of a benchmark's rows that compare: the ratio as a bar, its aim as a mark, 1 as a line."""
    svg = Svg()
    left, row_height = 330, 24
    height = TOP + row_height * len(rows) + 60
    bounds = [float(row["aim"].split()[-1]) for row in rows if row.get("aim", "").startswith("ratio")]
    marks = ticks(max([row["ratio"] for row in rows] + bounds + [1]))

    def x_of(value):
        return left + (WIDTH - RIGHT - 60 - left) * value / marks[-1]

    svg.text(28, 28, title, 16, weight="bold")
    svg.text(28, 48, "A over B, of medians; green: aim met, red: missed, grey: no aim; black mark: the aim", 12,
             colour=FAINT)
    bottom = TOP + row_height * len(rows)
    for mark in marks:
        svg.line(x_of(mark), TOP - 8, x_of(mark), bottom)
        svg.text(x_of(mark), bottom + 18, short(mark), 11, "middle", FAINT)
    for i, row in enumerate(rows):
        y = TOP + row_height * i
        aim = row.get("aim", "")
        colour = {True: "#3a9b5c", False: "#b5434e"}.get(row.get("met") if aim.startswith("ratio") else None, "#9aa5b1")
        svg.text(left - 8, y + 13, textwrap.shorten(row["name"], 48, placeholder="…"), 11, "end")
        svg.rect(left, y, x_of(row["ratio"]) - left, row_height - 7, colour,
                 f"{row['a']['name']} {short(row['a']['median'])}, {row['b']['name']} {short(row['b']['median'])}")
        svg.text(x_of(row["ratio"]) + 6, y + 13, f"{row['ratio']:.2f}", 11)
        if aim.startswith("ratio"):
            at = x_of(float(aim.split()[-1]))
            svg.line(at, y - 3, at, y + row_height - 4, INK, 2)
    svg.line(x_of(1), TOP - 8, x_of(1), bottom, FAINT, 1, "4 3")
    return svg.whole(height)
