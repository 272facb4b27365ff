#!/usr/bin/env python3
"""Speed and memory of tables, beside DuckDB and Polars in the same run.

Generates a mixed CSV (1,000,000 rows of 15 columns, about 170 MB; the seed is fixed), takes it in with
`dropforge add --wait` in a new home for each round, and has DuckDB SUMMARIZE and Polars describe it in turn. Then times
pages, a filtered and sorted page, a query, and 10,000,000 rows of 3 columns. Prints figures; asserts nothing.

    python3 -m venv /tmp/peers && /tmp/peers/bin/pip install duckdb polars
    /tmp/peers/bin/python tests/benches/tables.py target/release/dropforge

CPU time is of the daemon and all its children (what /proc says of them, with those that were waited for) and of the
command. Memory is the largest sum of resident sizes over those processes, so pages that they share count more than
once. To look at them every 5 ms takes a third of a core, so it is done in a round of its own, which is not timed. Of a
peer: its whole process, as wait4 tells it, which costs nothing; `inner` is the statement alone.
"""

import argparse
import datetime
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
WORDS = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda sigma".split()
CITIES = ["Berlin", "Paris", "London", "Madrid", "Rome", "Wien", "Praha", "São Paulo"]

DUCKDB = """
import duckdb, sys, time
start = time.perf_counter()
duckdb.sql(f"SUMMARIZE SELECT * FROM read_csv('{sys.argv[1]}')").fetchall()
print(time.perf_counter() - start)
"""
POLARS = """
import polars, sys, time
start = time.perf_counter()
polars.read_csv(sys.argv[1], try_parse_dates=True).describe()
print(time.perf_counter() - start)
"""


def mixed(path, rows):
    """The mixed table: ids, times, texts with separators and quotes, categories, numbers, missing values."""
    draw = random.Random(20_260_101)
    base = datetime.datetime(2020, 1, 1)
    with open(path, "w", encoding="utf-8", newline="") as out:
        out.write("id,ts,date,city,zip,amount,price,qty,flag,score,name,comment,lat,lon,code\n")
        for i in range(rows):
            ts = base + datetime.timedelta(seconds=i * 37)
            words = draw.choices(WORDS, k=8)
            comment = f"{' '.join(words[:3])}, {' '.join(words[3:6])} \"\"{words[6]}\"\" {words[7]}"
            score = "" if draw.random() < 0.05 else f"{draw.random():.6f}"
            city = "" if draw.random() < 0.02 else draw.choice(CITIES)
            out.write(
                f"{i + 1},{ts},{ts.date()},{city},{draw.randint(0, 99_999):05d},{draw.gauss(100, 25):.4f},"
                f"{draw.expovariate(0.01):.2f},{draw.randint(1, 50)},{'true' if draw.random() < 0.3 else 'false'},"
                f"{score},user_{draw.randint(0, 200_000)},\"{comment}\",{draw.uniform(-90, 90):.6f},"
                f"{draw.uniform(-180, 180):.6f},{draw.choice('ABCDEF')}{draw.randint(100, 999)}\n"
            )


def narrow(path, rows):
    """Three columns of numbers and a category."""
    draw = random.Random(3)
    with open(path, "w", encoding="ascii", newline="") as out:
        out.write("key,value,kind\n")
        for i in range(rows):
            out.write(f"{i * 7919 % 1_000_003},{draw.random() * 1000:.3f},{'abcdefgh'[draw.getrandbits(3)]}\n")


def processes():
    """Each process with its parent, its CPU seconds (with those of children it waited for) and resident bytes."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as stat:
                fields = stat.read().rpartition(")")[2].split()
        except OSError:
            continue
        cpu = sum(int(n) for n in fields[11:15]) / TICK
        found[int(name)] = (int(fields[1]), cpu, int(fields[21]) * PAGE)
    return found


def family(roots):
    """Those processes and all that come from them."""
    all_ = processes()
    members = {pid for pid in roots if pid in all_}
    while True:
        more = {pid for pid, (parent, _, _) in all_.items() if parent in members} - members
        if not more:
            return {pid: all_[pid] for pid in members}
        members |= more


class Watch(threading.Thread):
    """Looks at the memory of a family until it is told to stop."""

    def __init__(self, roots):
        super().__init__(daemon=True)
        self.roots, self.peak, self.over = roots, 0, threading.Event()

    def run(self):
        while not self.over.wait(0.005):
            self.peak = max(self.peak, sum(rss for _, _, rss in family(self.roots).values()))


def done(code, args):
    """Ends the script where a command did not do what it was to."""
    if code:
        sys.exit(f"dropforge {' '.join(args)} ended with {code}")


def peak_of(binary, path):
    """The peak of memory of taking a file in, in a home and a round of its own."""
    home = Home(binary)
    try:
        return home.peak("add", path, "--wait")
    finally:
        home.close()


class Home:
    """A daemon in a home of its own."""

    def __init__(self, binary):
        self.binary, self.dir = binary, tempfile.mkdtemp(prefix="dropforge-bench-")
        self.env = dict(os.environ, DROPFORGE_HOME=self.dir)
        self.run("daemon", "start")
        self.pid = json.loads(self.run("--json", "daemon", "status").stdout)["pid"]

    def run(self, *args, check=True):
        return subprocess.run([self.binary, *args], env=self.env, capture_output=True, text=True, check=check)

    def peak(self, *args):
        """The peak of memory of a command and all that the daemon does meanwhile."""
        child = subprocess.Popen([self.binary, *args], env=self.env, stdout=subprocess.DEVNULL)
        watch = Watch([self.pid, child.pid])
        watch.start()
        done(child.wait(), args)
        watch.over.set()
        watch.join()
        return watch.peak

    def measured(self, *args):
        """Wall and CPU seconds of a command and all that the daemon does meanwhile."""
        before = sum(cpu for _, cpu, _ in family([self.pid]).values())
        start = time.perf_counter()
        child = subprocess.Popen([self.binary, *args], env=self.env, stdout=subprocess.PIPE, text=True)
        child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        # A worker that has just ended is waited for in a moment, and only then counts.
        time.sleep(0.2)
        after = sum(cpu for _, cpu, _ in family([self.pid]).values())
        done(child.returncode, args)
        return wall, after - before + usage.ru_utime + usage.ru_stime

    def times(self, *args, rounds):
        """Milliseconds of a command, each time a new process; None where the verb is not there."""
        taken = []
        for _ in range(rounds):
            start = time.perf_counter()
            done = self.run(*args, check=False)
            taken.append((time.perf_counter() - start) * 1000)
            if done.returncode:
                return None, done.stderr.strip().splitlines()[:1]
        return taken, None

    def close(self):
        self.run("daemon", "stop", check=False)
        shutil.rmtree(self.dir, ignore_errors=True)


def peer(code, path):
    """Wall, CPU, peak memory and inner time of a Python program."""
    start = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        return None
    wall = time.perf_counter() - start
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, float(output.split()[-1])


def row(name, wall, cpu, peak, inner=None):
    inner = "" if inner is None else f"{inner:8.2f}"
    print(f"{name:24} {wall:8.2f} {cpu:8.2f} {peak / 1e6:9.0f} {inner}", flush=True)


def middle(rounds):
    """The median of each figure."""
    return [statistics.median(figures) for figures in zip(*rounds)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", nargs="?", default="target/release/dropforge")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--narrow-rows", type=int, default=10_000_000, help="0 leaves this out")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--data", help="keep the generated files here and use them again")
    options = parser.parse_args()
    binary = os.path.abspath(options.binary)
    data = options.data or tempfile.mkdtemp(prefix="dropforge-bench-data-")
    os.makedirs(data, exist_ok=True)
    try:
        wide = generated(data, "mixed", mixed, options.rows)
        compare(binary, wide, options)
        if options.narrow_rows:
            path = generated(data, "narrow", narrow, options.narrow_rows)
            home = Home(binary)
            try:
                figures = home.measured("add", path, "--wait")
            finally:
                home.close()
            row(f"add, {options.narrow_rows:,} x 3", *figures, peak_of(binary, path))
    finally:
        if not options.data:
            shutil.rmtree(data, ignore_errors=True)


def generated(data, name, make, rows):
    path = os.path.join(data, f"{name}-{rows}.csv")
    if not os.path.exists(path):
        make(path, rows)
    print(f"{os.path.basename(path)}: {os.path.getsize(path) / 1e6:.0f} MB", flush=True)
    return path


def compare(binary, path, options):
    peers = {"DuckDB SUMMARIZE": DUCKDB, "Polars describe": POLARS}
    ours, theirs = [], {name: [] for name in peers}
    peak = peak_of(binary, path)
    print(f"{'':24} {'wall s':>8} {'CPU s':>8} {'peak MB':>9} {'inner s':>8}")
    for round_ in range(options.rounds):
        home = Home(binary)
        try:
            ours.append((*home.measured("add", path, "--wait"), peak))
            row("dropforge add --wait", *ours[-1])
            for name, code in peers.items():
                figures = peer(code, path)
                if figures is None:
                    print(f"{name:24} not installed for {sys.executable}, or it failed")
                    continue
                theirs[name].append(figures)
                row(name, *figures)
            if round_ + 1 == options.rounds:
                reads(home, os.path.basename(path), options.rows)
        finally:
            home.close()
    mine = middle(ours)
    row("median: dropforge", *mine)
    for name, rounds in theirs.items():
        if rounds:
            other = middle(rounds)
            row(f"median: {name}", *other)
            ratios = [a / b for a, b in zip(mine, other)]
            print(f"  dropforge / {name}: wall {ratios[0]:.2f}, CPU {ratios[1]:.2f}, peak {ratios[2]:.2f}")


def reads(home, name, rows):
    draw = random.Random(5)
    pages = [["preview", name, "--offset", str(draw.randrange(rows)), "--rows", "50", "--json"] for _ in range(20)]
    home.run(*pages[0])
    taken = [home.times(*page, rounds=1)[0] for page in pages]
    report("preview, any page", [t[0] for t in taken if t], None)
    wanted = {
        "preview --where --sort": ["preview", name, "--where", "qty>5", "--sort", "amount:desc", "--rows", "50"],
        "  … deep in it": [
            "preview", name, "--where", "qty>5", "--sort", "amount:desc", "--offset", str(rows // 2), "--rows", "50",
        ],
        "query GROUP BY": [
            "query", f'SELECT city, COUNT(*) AS n, AVG(price) AS mean FROM "{name}" GROUP BY city ORDER BY n DESC',
        ],
    }
    for title, args in wanted.items():
        report(title, *home.times(*args, rounds=5))


def report(title, taken, refusal):
    if not taken:
        print(f"{title:24} not in this build: {(refusal or [''])[0][:90]}")
        return
    taken = sorted(taken)
    print(f"{title:24} median {statistics.median(taken):.0f} ms, slowest {taken[-1]:.0f} ms, of {len(taken)}", flush=True)


if __name__ == "__main__":
    main()
