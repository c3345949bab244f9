#!/usr/bin/env python3
"""Tables and plots of a folder of benchmark results (run.sh fills it).

    report.py FOLDER            writes FOLDER/table.md and FOLDER/*.svg
    report.py FOLDER --readme   and puts the table into README.md beside this file
    report.py --machine         prints this machine's description as JSON
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


def machine():
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
        "load": os.getloadavg()[0],
        "commit": output_of("git", "-C", str(HERE), "rev-parse", "--short", "HEAD") + dirty,
        "packages": versions,
    }


def figure(value):
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 100 else f"{value:.1f}"


def side(part, unit):
    return f"{part['name']}: {figure(part['median'])} {unit} (p99 {figure(part['p99'])})"


def row_line(row):
    b = side(row["b"], row["unit"]) if "b" in row else ""
    ratio = f"{row['ratio']:.2f}" if "ratio" in row else ""
    aim = f"{row['aim']}: {'met' if row['met'] else '**missed**'}" if "aim" in row and "met" in row else row.get("aim", "")
    return f"| {row['name']} | {side(row['a'], row['unit'])} | {b} | {ratio} | {aim} |"


def machine_lines(facts, load_after):
    packages = ", ".join(f"{name} {version}" for name, version in facts["packages"].items())
    return [
        f"{facts['date']}, commit {facts['commit']}: {facts['cpu']}, {facts['cores']} cores, {facts['isa']}, "
        f"{facts['memory_gb']} GB, Linux {facts['kernel']}; load {facts['load']:.1f} before and {load_after:.1f} after.",
        "Packages: " + packages + ".", ""]


def table(folder):
    facts = json.loads((folder / "machine.json").read_text())
    lines = machine_lines(facts, facts.get("load_after", facts["load"]))
    for line in (folder / "not-run.txt").read_text().splitlines() if (folder / "not-run.txt").exists() else []:
        lines.append(f"- not run: {line}")
    for file in sorted(folder.glob("bench_*.json")):
        result = json.loads(file.read_text())
        lines += ["", f"### {file.stem}", ""]
        if result["rows"]:
            lines += ["| what | A, median | B, median | A / B | aim |", "|---|---|---|---|---|"]
            lines += [row_line(row) for row in result["rows"]]
        for drawn in result.get("notes", {}).get("plots", []):
            lines += ["", f"**{drawn['title']}** ([plot](results/{drawn['file']}.svg))"]
            lines += [f"- {label}: {drawn[key]}" for label, key in
                      (("paper", "paper"), ("here", "here"), ("note", "note")) if key in drawn]
    return "\n".join(lines) + "\n"


def draw_all(folder):
    for file in sorted(folder.glob("bench_*.json")):
        result = json.loads(file.read_text())
        for drawn in result.get("notes", {}).get("plots", []):
            (folder / (drawn["file"] + ".svg")).write_text(plot.draw(drawn))
        compared = [row for row in result["rows"] if "ratio" in row]
        if compared:
            (folder / (file.stem + ".svg")).write_text(plot.draw_ratios(file.stem, compared))


def put_into_readme(text):
    readme = HERE / "README.md"
    before, rest = readme.read_text().split(BEGIN)
    after = rest.split(END)[1]
    readme.write_text(before + BEGIN + "\n" + text + END + after)


def main(arguments):
    if arguments == ["--machine"]:
        print(json.dumps(machine(), indent=1))
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
