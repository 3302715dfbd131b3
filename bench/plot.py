#!/usr/bin/env python3
"""Charts of cadre-bench's results as SVG, or as CSV, without libraries.

usage: plot.py RESULTS.json OUT.svg|OUT.csv

Rows named G-<row>-<exponent> (cadre-bench --growth) become lines over the number of
events; any others become one bar a row: its ratio, with interval and target.
"""
import json
import re
import sys
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, TOP = 860, 320, 190, 40
COLOURS = ["#1f5fa8", "#b3541e", "#3a7d44", "#7a4f9a"]


def text(x, y, content, anchor="start", size=12):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
            f'font-family="sans-serif">{escape(content)}</text>')


def line(x1, y1, x2, y2, colour="#888", width=1.0, dash=""):
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{colour}" stroke-width="{width}"{dashed}/>')


def middle_of(result):
    return result.get("ratio") or result["value"]


def bars(results):
    """One bar a result, as a share of its target."""
    out, y, step = [], TOP, 22
    scale = (WIDTH - LEFT - 130) / 2.0
    for result in results:
        middle, target = middle_of(result), result["target"]
        if target == 0:
            continue
        shares = [min(middle[k] / target, 2.0) for k in ("median", "low", "high")]
        colour = COLOURS[2] if result["met"] else COLOURS[1]
        out.append(text(LEFT - 8, y + 12, f'{result["row"]} {result["what"]}'[:32], "end", 10))
        out.append(f'<rect x="{LEFT}" y="{y}" width="{shares[0] * scale:.1f}" height="14" '
                   f'fill="{colour}"/>')
        out.append(line(LEFT + shares[1] * scale, y + 7, LEFT + shares[2] * scale, y + 7,
                        "#000", 2))
        sign = "\u2264" if result["at_most"] else "\u2265"
        out.append(text(WIDTH - 125, y + 12,
                        f'{middle["median"]:.3g} ({sign} {target:.3g})', size=11))
        y += step
    out.append(line(LEFT + scale, TOP - 8, LEFT + scale, y, "#000", 1, "4 3"))
    out.append(text(LEFT + scale, TOP - 14, "target", "middle", 11))
    return out, y + 20


def series_of(results):
    series = {}
    for result in results:
        match = re.fullmatch(r"G-(.+)-(\d+)", result["row"])
        if match:
            series.setdefault(match[1], []).append((int(match[2]), result))
    return series


def lines(series):
    """Our rate and the limit's over the number of events, one panel a row."""
    out, x = [], 60
    panel = (WIDTH - 80) / max(len(series), 1) - 40
    for name, points in series.items():
        top = max(max(r["ours_rate"]["high"], r["limit_rate"]["high"]) for _, r in points)
        first, last = points[0][0], points[-1][0]
        span = max(last - first, 1)

        def place(exponent, rate):
            return (x + (exponent - first) / span * panel,
                    HEIGHT - 50 - rate / top * (HEIGHT - 50 - TOP))

        out.append(text(x, TOP - 16, f"{name}: {points[0][1]['unit']}s a second"))
        out.append(line(x, HEIGHT - 50, x + panel, HEIGHT - 50))
        out.append(text(x - 4, TOP + 4, f"{top:.3g}", "end", 10))
        for key, colour in (("ours_rate", COLOURS[0]), ("limit_rate", COLOURS[1])):
            spots = [place(e, r[key]["median"]) for e, r in points]
            path = " ".join(f"{px:.1f},{py:.1f}" for px, py in spots)
            out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" '
                       f'stroke-width="2"/>')
            out += [f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3" fill="{colour}"/>'
                    for px, py in spots]
        for exponent, result in points:
            px, _ = place(exponent, 0)
            out.append(text(px, HEIGHT - 34, f"10^{exponent}", "middle", 10))
            out.append(text(px, HEIGHT - 20, f'{result["ratio"]["median"]:.2f}', "middle", 10))
        x += panel + 70
    out.append(text(20, HEIGHT - 4, "blue: ours, brown: the limit; below: their ratio; "
                    "across: events in the store", size=10))
    return out, HEIGHT


def write_csv(results, path):
    with open(path, "w", encoding="utf-8") as out:
        out.write("row,what,median,low,high,target,at_most,met,ours_per_s,limit_per_s\n")
        for r in results:
            m = middle_of(r)
            rates = [r.get(k, {}).get("median", "") for k in ("ours_rate", "limit_rate")]
            what = r["what"].replace('"', "'")
            out.write(f'{r["row"]},"{what}",{m["median"]},{m["low"]},{m["high"]},'
                      f'{r["target"]},{int(r["at_most"])},{int(r["met"])},'
                      f'{rates[0]},{rates[1]}\n')


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as source:
        report = json.load(source)
    results = [r for r in report["results"] if "left_out" not in r]
    if sys.argv[2].endswith(".csv"):
        write_csv(results, sys.argv[2])
        return
    series = series_of(results)
    body, height = lines(series) if series else bars(results)
    caption = f'{report["hardware"]["cpu"]}, {report["date"]}, {report["commit"]}'
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        out.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
                  f'height="{height + 16}"><rect width="100%" height="100%" fill="#fff"/>\n')
        out.write("\n".join(body))
        out.write(text(20, height + 10, caption, size=9))
        out.write("\n</svg>\n")


if __name__ == "__main__":
    main()
