#!/usr/bin/env python3
"""Tables and plots of a folder of benchmark results (run.sh fills it).

    report.py FOLDER              writes FOLDER/table.md and FOLDER/*.svg
    report.py FOLDER --readme     and puts the table into README.md beside this file
    report.py --stamp FILE LOAD   adds the machine's description to a result; LOAD: before it ran
"""
import datetime
import json
import os
import pathlib
import platform
import re
import subprocess
import sys

import plot

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = ["g++-12", "libdnnl2", "mosquitto", "libpaho-mqtt1.3", "librocksdb7.8", "libonnx1", "libopencv-dnn406"]
BEGIN, END = "<!-- results -->", "<!-- end of results -->"


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


def found(pattern, text, default="unknown"):
    match = re.search(pattern, text, re.MULTILINE)
    return match.group(1).strip() if match else default


def machine(load_before):
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text(errors="replace")
    flags = found(r"^(?:flags|Features)\s*:(.*)$", cpuinfo, "").split()
    isa = next((name for name in ("avx512_vnni", "avx512f", "avx2", "sse4_1", "sve", "asimd") if name in flags), "")
    memory_kb = int(found(r"^MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text(), "0"))
    versions = {}
    for package in PACKAGES:
        version = output_of("dpkg-query", "--show", "--showformat=${Version}", package)
        if version:
            versions[package] = version
    dirty = "+" if output_of("git", "-C", str(HERE), "status", "--porcelain", "--untracked-files=no") else ""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": found(r"^model name\s*:(.*)$", cpuinfo, platform.machine()),
        "isa": isa,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory_kb / 1e6, 1),
        "kernel": platform.release(),
        "load_before": load_before,
        "load_after": os.getloadavg()[0],
        "commit": output_of("git", "-C", str(HERE), "rev-parse", "--short", "HEAD") + dirty,
        "packages": versions,
    }


def figure(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 100 else f"{value:.1f}"


def side(part, unit):
    return f"{part['name']}: {figure(part['median'])} {unit} (p99 {figure(part['p99'])})"


def row_line(row):
    b = side(row["b"], row["unit"]) if "b" in row else ""
    ratio = f"{row['ratio']:.2f}" if row.get("ratio") is not None else ""
    aim = f"{row['aim']}: {'met' if row['met'] else '**missed**'}" if "aim" in row and "met" in row else row.get("aim", "")
    return f"| {row['name']} | {side(row['a'], row['unit'])} | {b} | {ratio} | {aim} |"


def machine_lines(facts):
    packages = ", ".join(f"{name} {version}" for name, version in facts["packages"].items())
    return [f"{facts['cpu']}, {facts['cores']} cores, {facts['isa']}, {facts['memory_gb']} GB, Linux {facts['kernel']}. "
            f"Packages: {packages}."]


def run_line(facts):
    return (f"{facts['date']}, commit {facts['commit']}, load {facts['load_before']:.1f} before and "
            f"{facts['load_after']:.1f} after.")


def results_in(folder):
    return [(file, json.loads(file.read_text())) for file in sorted(folder.glob("bench_*.json"))]


def table(folder):
    lines = []
    described = ""
    if (folder / "not-run.txt").exists():
        lines += [f"- not run: {line}" for line in (folder / "not-run.txt").read_text().splitlines()]
    for file, result in results_in(folder):
        facts = result.get("machine")
        lines += ["", f"### {file.stem}", ""]
        if facts and machine_lines(facts) != described:
            described = machine_lines(facts)
            lines += described
        if facts:
            lines += [run_line(facts), ""]
        if result["rows"]:
            lines += ["| what | A, median | B, median | A / B | aim |", "|---|---|---|---|---|"]
            lines += [row_line(row) for row in result["rows"]]
        for drawn in result.get("notes", {}).get("plots", []):
            lines += ["", f"**{drawn['title']}** ([plot](results/{drawn['file']}.svg))"]
            lines += [f"- {label}: {drawn[key]}" for label, key in
                      (("paper", "paper"), ("here", "here"), ("note", "note")) if key in drawn]
    return "\n".join(lines) + "\n"


def draw_all(folder):
    for file, result in results_in(folder):
        for drawn in result.get("notes", {}).get("plots", []):
            (folder / (drawn["file"] + ".svg")).write_text(plot.draw(drawn))
        compared = [row for row in result["rows"] if row.get("ratio") is not None]
        if compared:
            (folder / (file.stem + ".svg")).write_text(plot.draw_ratios(file.stem, compared))


def put_into_readme(text):
    readme = HERE / "README.md"
    before, rest = readme.read_text().split(BEGIN)
    after = rest.split(END)[1]
    readme.write_text(before + BEGIN + "\n" + text + END + after)


def main(arguments):
    if len(arguments) == 3 and arguments[0] == "--stamp":
        file = pathlib.Path(arguments[1])
        stamped = json.loads(file.read_text()) | {"machine": machine(float(arguments[2]))}
        file.write_text(json.dumps(stamped, indent=1) + "\n")
        return 0
    if not arguments or arguments[1:] not in ([], ["--readme"]):
        print(__doc__, file=sys.stderr)
        return 2
    folder = pathlib.Path(arguments[0])
    draw_all(folder)
    text = table(folder)
    (folder / "table.md").write_text(text)
    if arguments[1:]:
        put_into_readme(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
