#!/usr/bin/env python3
"""Statements that hold more than there is memory for, beside DuckDB in the same run: 2 GiB each, two threads.

Generates a Parquet of 20,000,000 rows (1.3 GB: 13 million users, a text that differs in every row), takes it in, and asks
each statement of `dropforge query` and of DuckDB in turn, each in a process of its own. The answers must be the same.
Prints seconds, the most anonymous memory that our reader or job held, and the ratio; a statement that ends with an error
says so. Asserts nothing.

    python3 -m venv /tmp/peers && /tmp/peers/bin/pip install duckdb
    /tmp/peers/bin/python tests/benches/larger.py target/release/dropforge [--rows N] [--folder DIR]

The folder needs 8 GB for 20 million rows, and DuckDB's spilled files on top.
"""

import argparse
import csv
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

MAKE = """
import duckdb, sys
peer = duckdb.connect()
peer.execute("SET threads=1; SET memory_limit='3GB'; SET enable_progress_bar=false; SELECT setseed(0.5)")
peer.execute(f\"\"\"COPY (SELECT 'user-'||lpad(CAST(CAST(random()*{sys.argv[2]}*0.75 AS INT) AS VARCHAR),12,'0') AS "user",
 i AS id, CAST(random()*100 AS INT) AS grp, round(random()*1000,2) AS amount,
 'k'||CAST(CAST(random()*{sys.argv[2]}*0.1 AS INT) AS VARCHAR) AS item,
 TIMESTAMP '2024-01-01' + INTERVAL (CAST(random()*30000000 AS INT)) SECOND AS ts, 'note '||md5(CAST(i AS VARCHAR)) AS note
 FROM range({sys.argv[2]}) t(i)) TO '{sys.argv[1]}' (FORMAT parquet)\"\"\")
"""
ASK = """
import csv, duckdb, sys, time
peer = duckdb.connect()
peer.execute("SET threads=2; SET memory_limit='2GB'; SET enable_progress_bar=false")
peer.execute(f"SET temp_directory='{sys.argv[3]}'; SET max_temp_directory_size='8GB'")
peer.execute(f"CREATE VIEW big AS SELECT * FROM '{sys.argv[1]}'")
start = time.perf_counter()
rows = peer.execute(sys.argv[2]).fetchall()
print(time.perf_counter() - start)
csv.writer(sys.stdout).writerows(rows)
"""
STATEMENTS = [
    "SELECT grp, COUNT(*) AS n, AVG(amount) AS m FROM big GROUP BY grp ORDER BY grp LIMIT 20",
    "SELECT item, COUNT(*) AS n FROM big GROUP BY item ORDER BY n DESC, item LIMIT 5",
    'SELECT "user", COUNT(*) AS n FROM big GROUP BY "user" ORDER BY n DESC, "user" LIMIT 5',
    "SELECT note, COUNT(*) AS n, SUM(id) AS s FROM big GROUP BY note ORDER BY s DESC LIMIT 5",
    "SELECT COUNT(DISTINCT note) AS n FROM big",
    'SELECT grp, COUNT(DISTINCT "user") AS users FROM big GROUP BY grp ORDER BY users DESC, grp LIMIT 5',
    'SELECT COUNT(*) AS n FROM (SELECT DISTINCT "user", grp FROM big) AS d',
    "SELECT DISTINCT * FROM big ORDER BY id LIMIT 3",
    'SELECT "user", median(amount) AS m FROM big GROUP BY "user" ORDER BY m, "user" LIMIT 3',
    'SELECT id, "user" FROM big QUALIFY ROW_NUMBER() OVER (PARTITION BY "user" ORDER BY ts DESC, id) = 1 ORDER BY id LIMIT 3',
]
SORT = "SELECT * FROM big ORDER BY amount DESC, id"


class Home:
    """A home of its own, with limits of 2 GiB, and the most memory that a child of it held."""

    def __init__(self, binary, folder):
        self.binary, self.path, self.peak = os.path.abspath(binary), folder, 0
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "config.toml"), "w", encoding="utf-8") as out:
            out.write('[reader]\nquery_memory = "2 GiB"\n[queue]\njob_memory = "2 GiB"\n')

    def run(self, *arguments):
        """What the command says, and its seconds. It is looked at every 20 ms."""
        self.peak, done = 0, threading.Event()
        look = threading.Thread(target=self.look, args=(done,))
        look.start()
        start = time.perf_counter()
        environment = {**os.environ, "DROPFORGE_HOME": self.path}
        told = subprocess.run([self.binary, *arguments], env=environment, capture_output=True, text=True)
        seconds = time.perf_counter() - start
        done.set()
        look.join()
        return told, seconds

    def look(self, done):
        while not done.wait(0.02):
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/cmdline", "rb") as line, open(f"/proc/{pid}/status", encoding="ascii") as status:
                        if b"dropforge\0worker" not in line.read() and b"dropforge worker" not in line.read():
                            continue
                        held = [line.split()[1] for line in status if line.startswith("RssAnon")]
                        self.peak = max(self.peak, *(int(kib) * 1024 for kib in held), 0)
                except (OSError, ValueError, IndexError):
                    continue


def plain(rows):
    """Cells as text: numbers to six digits, times without the `T` between day and hour."""

    def cell(value):
        try:
            return f"{float(value):.6g}"
        except ValueError:
            return str(value).replace("T", " ")

    return [[cell(value) for value in row] for row in rows]


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("binary")
    parse.add_argument("--rows", type=int, default=20_000_000)
    parse.add_argument("--folder")
    given = parse.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        source, spill = os.path.join(folder, "big.parquet"), os.path.join(folder, "spill")
        subprocess.run([sys.executable, "-c", MAKE, source, str(given.rows)], check=True)
        home = Home(given.binary, os.path.join(folder, "home"))
        try:
            told, seconds = home.run("add", source, "--wait")
            print(f"add --wait: {seconds:.1f} s, {home.peak >> 20} MiB {told.stderr.strip()}", flush=True)
            print(f"{'ours':>8} {'peak':>9} {'DuckDB':>8} {'ratio':>6}  statement")
            for sql in STATEMENTS:
                told, ours = home.run("query", sql, "--json", "--timeout", "600")
                asked = subprocess.run([sys.executable, "-c", ASK, source, sql, spill], capture_output=True, text=True)
                line(home, told, ours, asked, sql)
            out = os.path.join(folder, "sorted.parquet")
            told, ours = home.run("query", SORT, "--to", out)
            copy = f"COPY ({SORT}) TO '{out}.peer' (FORMAT parquet)"
            asked = subprocess.run([sys.executable, "-c", ASK, source, copy, spill], capture_output=True, text=True)
            told.stdout = json.dumps({"rows": [[given.rows]]})
            line(home, told, ours, asked, f"{SORT}, to Parquet")
        finally:
            home.run("daemon", "stop")

def line(home, told, ours, asked, sql):
    """Prints a line of the table."""
    first, _, rest = asked.stdout.partition("\n")
    peer = float(first) if asked.returncode == 0 else None
    notes = []
    if told.returncode != 0:
        notes.append(f"ours: {told.stderr.splitlines()[0]}")
    if peer is None:
        notes.append(f"DuckDB: {asked.stderr.splitlines()[-1][:90]}")
    if not notes:
        answers = plain(json.loads(told.stdout)["rows"]), plain(csv.reader(io.StringIO(rest)))
        if answers[0] != answers[1]:
            notes.append(f"DIFFERENT: {answers[0][:2]} and {answers[1][:2]}")
    peers, ratio = (f"{peer:.1f} s", f"{ours / peer:.2f}") if peer else ("-", "-")
    print(f"{ours:>6.1f} s {home.peak >> 20:>5} MiB {peers:>8} {ratio:>6}  {sql[:90]} {' '.join(notes)}", flush=True)


if __name__ == "__main__":
    main()
