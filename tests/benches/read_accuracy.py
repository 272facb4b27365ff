#!/usr/bin/env python3
"""How often delimiter, encoding, header and shape of CSV files are found: Dropforge, DuckDB, csv-nose, Python's Sniffer.

    cargo build -p dropforge-tabular --example read_report
    python tests/benches/read_accuracy.py --reader target/debug/examples/read_report \
        --packages DIR [--polluted N] [--labelled DIR --labels tests/benches/read_labels.csv] [--nose PATH]

--packages   a folder with unpacked data packages. Their CSV files are documented to be commas, double quotes, UTF-8 with
             the names in the first record; what Python's csv module reads so is the truth. Files of which that is not so
             (fewer than two columns, records of different lengths, a first record of numbers or with repeats) are
             counted as left out, not judged.
--polluted   writes N of those files in other dialects and with damage, each in every way that is listed in POLLUTIONS,
             with the truth known from how it was written.
--labelled   a folder with the files that read_labels.csv names: path, delimiter, header, columns, found by looking.
--heldout    a folder with a folder for each package that read_heldout.csv names files of: path, delimiter (`any` where there
             is one column), encoding, header, columns, records, and whether the label comes from the documented dialect or
             from looking at the file. None of them was looked at while the reader was written.

Shape is right where the columns are, and where rows and rejected records (for readers that tell them) together are all
records. Needs `duckdb` from PyPI; csv-nose is left out where --nose is not given.
"""
import argparse, collections, csv, io, json, os, pathlib, re, subprocess, sys, tempfile

csv.field_size_limit(1 << 30)
READERS = ["dropforge", "duckdb", "csv-nose", "sniffer"]
ASPECTS = ["delimiter", "encoding", "header", "shape"]


def numeric(cell):
    return re.fullmatch(r"[-+]?[\d.,]+(e[-+]?\d+)?", cell.strip(), re.I) is not None


def package_truth(path):
    """What the documented dialect gives, or None where the file is not what is documented."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        rows = [r for r in csv.reader(io.StringIO(text, newline="")) if r]
    except (UnicodeDecodeError, csv.Error):
        return None
    if len(rows) < 3 or len(rows[0]) < 2 or any(len(r) != len(rows[0]) for r in rows):
        return None
    named = [c for c in rows[0] if c.strip()]
    if len(named) + 1 < len(rows[0]) or len(set(named)) < len(named) or any(numeric(c) for c in named):
        return None
    return rows


# ---- what is done to a file; each gives bytes and the truth


def written(rows, delimiter=",", quote='"', end="\n", everything=False, backslash=False):
    def field(cell):
        special = delimiter in cell or quote in cell or "\n" in cell or "\r" in cell or cell != cell.strip()
        if delimiter == " ":
            special |= cell == ""
        if not (special or everything):
            return cell
        inner = cell.replace("\\", "\\\\").replace(quote, "\\" + quote) if backslash else cell.replace(quote, quote * 2)
        return quote + inner + quote
    return end.join(delimiter.join(field(c) for c in row) for row in rows) + end


WORDS = {
    "western": "größer kürzer Straße Übung früh Käse schön später Français déjà élève Niño mañana".split(),
    "russian": "город население Москва Тверь Казань река озеро площадь дорога погода зима лето".split(),
    "japanese": "東京 大阪 京都 天気 山田太郎 鈴木花子 名前 年齢 住所 電話番号 日本語 会社".split(),
}


def accented(rows, script):
    words = WORDS[script]
    return [row + ["note" if i == 0 else words[i * 7 % len(words)] + " " + words[i * 5 % len(words)]]
            for i, row in enumerate(rows)]


def pollutions(rows):
    head, body = rows[0], rows[1:]
    n, width = len(body), len(head)
    base = dict(delimiter=",", encoding="utf-8", header=True, columns=width, records=n)
    out = {}
    for name, delimiter in [("semicolons", ";"), ("tabs", "\t"), ("bars", "|"), ("colons", ":"), ("carets", "^"),
                            ("tildes", "~"), ("spaces", " "), ("double bars", "||"), ("double colons", "::")]:
        out[name] = (written(rows, delimiter).encode(), dict(base, delimiter=delimiter))
    out["single quotes"] = (written(rows, quote="'", everything=True).encode(), base)
    out["all quoted"] = (written(rows, everything=True).encode(), base)
    text = [head + ["remark"]] + [r + [f'said "{i}", then left'] for i, r in enumerate(body)]
    out["backslash quotes"] = (written(text, backslash=True, everything=True).encode(), dict(base, columns=width + 1))
    lines = [head + ["remark"]] + [r + [f"line one\nline two, {i}"] for i, r in enumerate(body)]
    out["line ends in quotes"] = (written(lines).encode(), dict(base, columns=width + 1))
    out["CRLF"] = (written(rows, end="\r\n").encode(), base)
    plain = all("\n" not in c and "\r" not in c for r in rows for c in r)
    if plain:
        out["CR"] = (written(rows, end="\r").encode(), base)
        parts = written(rows).split("\n")
        ends = ["\n", "\r\n", "\r"]
        out["mixed line ends"] = ("".join(p + ends[i % 3] for i, p in enumerate(parts[:-1])).encode(), base)
    wide = dict(base, columns=width + 1)
    for name, codec, script in [("UTF-8 with a mark", "utf-8-sig", "western"), ("windows-1252", "cp1252", "western"),
                              ("windows-1251", "cp1251", "russian"), ("Shift_JIS", "shift_jis", "japanese"),
                              ("UTF-16 with a mark", "utf-16", "western"), ("UTF-16LE", "utf-16-le", "western"),
                              ("UTF-16BE", "utf-16-be", "western")]:
        try:
            out[name] = (written(accented(rows, script)).encode(codec), dict(wide, encoding=codec))
        except UnicodeEncodeError:
            pass
    body_text = written(rows)
    out["a title above"] = (("Table of results\n" + body_text).encode(), base)
    out["notes above"] = (("Results of the survey\nMade in 2024 by the office\n\n" + body_text).encode(), base)
    out["comments above"] = (("# made by a machine\n# do not edit, please\n" + body_text).encode(), base)
    out["a note below"] = ((body_text + "\nSource: the office of statistics\n").encode(), base)
    out["trailing separators"] = (body_text.replace("\n", ",\n").encode(), base) if plain else None
    out["no header"] = (written(body).encode(), dict(base, header=False))
    out["empty lines between"] = (body_text.replace("\n", "\n\n").encode(), base) if plain else None
    if plain and n >= 8 and width >= 4:
        short = [head] + body[:5] + [body[5][:-2]] + body[6:]
        out["a short record"] = (written(short).encode(), base)
        long = [head] + body[:5] + [body[5] + ["x", "y"]] + body[6:]
        out["a long record"] = (written(long).encode(), base)
    twice = [[head[0]] + [head[0]] + head[2:]] + body
    out["a name twice"] = (written(twice).encode(), base)
    return {k: v for k, v in out.items() if v}


# ---- the readers; each answers a dict with what it can tell, or None where it fails


def dropforge(reader, paths):
    found = {}
    for at in range(0, len(paths), 50):
        chunk = [str(p) for p in paths[at : at + 50]]
        told = subprocess.run([reader, *chunk], capture_output=True, text=True)
        for line in told.stdout.splitlines():
            answer = json.loads(line)
            reading = answer.get("reading")
            found[answer["path"]] = reading and dict(
                delimiter=reading["delimiter"], encoding=reading["encoding"], header=reading["header"],
                columns=len(reading["columns"]), records=reading["rows"] + reading["rejected_rows"])
    return found


def duckdb_all(paths):
    import duckdb
    con, found = duckdb.connect(), {}
    for path in map(str, paths):
        try:
            d, h, n = con.execute("select Delimiter, HasHeader, len(Columns) from sniff_csv(?)", [path]).fetchone()
        except duckdb.Error:
            found[path] = None
            continue
        try:
            rows = con.execute("select count(*) from (select * from read_csv(?)) t", [path]).fetchone()[0]
        except duckdb.Error:
            rows = None
        found[path] = dict(delimiter=d, encoding="utf-8", header=h, columns=n, records=rows)
    return found


def nose_all(nose, paths):
    found = {}
    for path in map(str, paths):
        told = subprocess.run([nose, "-f", "json", path], capture_output=True, text=True)
        try:
            answer = json.loads(told.stdout)
            dialect = answer["dialect"]
            found[path] = dict(delimiter=dialect["delimiter"], encoding=answer["encoding"]["name"],
                               header=dialect["has_header"], columns=answer["num_fields"], records=None)
        except (json.JSONDecodeError, KeyError):
            found[path] = None
    return found


def sniffer_all(paths):
    found = {}
    for path in paths:
        try:
            with open(path, encoding="utf-8", newline="") as f:
                sample = f.read(64 << 10)
            dialect = csv.Sniffer().sniff(sample)
            header = csv.Sniffer().has_header(sample)
            found[str(path)] = dict(delimiter=dialect.delimiter, encoding="utf-8", header=header, columns=None, records=None)
        except (csv.Error, UnicodeDecodeError, TypeError, ValueError):
            found[str(path)] = None
    return found


def same_encoding(told, true):
    def plain(name):
        name = (name or "").lower().replace("_", "-").replace("-sig", "").replace("-bom", "")
        return {"cp1252": "windows-1252", "cp1251": "windows-1251", "shift-jis": "shift-jis", "utf-16": "utf-16-le", "latin-1": "windows-1252",
                "utf-16le": "utf-16-le", "utf-16be": "utf-16-be", "ascii": "utf-8"}.get(name, name)
    return plain(told) == plain(true)


def right(told, truth, aspect):
    if told is None:
        return False
    if aspect == "encoding":
        return same_encoding(told["encoding"], truth["encoding"])
    if aspect == "delimiter" and truth["delimiter"] == "any":
        return True
    if aspect == "shape":
        return told["columns"] == truth["columns"] and told["records"] == truth["records"]
    return told[aspect] == truth[aspect]


def table(title, truths, answers, aspects):
    print(f"\n{title}: {len(truths)} files\n")
    print("| reader | " + " | ".join(aspects) + " |")
    print("|---|" + "---:|" * len(aspects))
    for reader, found in answers.items():
        cells = []
        for aspect in aspects:
            key = "columns" if aspect == "shape" else aspect
            if all(a is None or a.get(key) is None for a in found.values()) or \
                    (aspect == "shape" and all(a is None or a.get("records") is None for a in found.values())):
                cells.append("–")
                continue
            good = sum(right(found.get(p), t, aspect) for p, t in truths.items())
            cells.append(f"{100 * good / len(truths):.1f} %")
        print(f"| {reader} | " + " | ".join(cells) + " |")


def ask(args, paths):
    answers = {"dropforge": dropforge(args.reader, paths), "duckdb": duckdb_all(paths)}
    if args.nose:
        answers["csv-nose"] = nose_all(args.nose, paths)
    answers["Python's Sniffer"] = sniffer_all(paths)
    return answers


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--reader", required=True)
    parser.add_argument("--packages")
    parser.add_argument("--most", type=int, default=600, help="package files judged, evenly picked")
    parser.add_argument("--polluted", type=int, default=0)
    parser.add_argument("--labelled")
    parser.add_argument("--labels")
    parser.add_argument("--heldout")
    parser.add_argument("--heldout-labels", default=pathlib.Path(__file__).with_name("read_heldout.csv"))
    parser.add_argument("--nose")
    parser.add_argument("--wrong", action="store_true", help="list what Dropforge got wrong")
    args = parser.parse_args()
    if args.packages:
        files = sorted(p for p in pathlib.Path(args.packages).rglob("*.csv")
                       if not p.name.startswith("._") and 0 < p.stat().st_size < 2_000_000)
        rows = {p: r for p in files if (r := package_truth(p))}
        print(f"{len(files)} package files, {len(files) - len(rows)} left out as not documented so")
        picked = sorted(rows)[:: max(1, len(rows) // args.most)][: args.most]
        truths = {str(p): dict(delimiter=",", encoding="utf-8", header=True, columns=len(rows[p][0]),
                               records=len(rows[p]) - 1) for p in picked}
        answers = ask(args, picked)
        table("Package files", truths, answers, ASPECTS)
        wrongs(args, truths, answers)
        if args.polluted:
            small = [p for p in sorted(rows) if 12 <= len(rows[p]) <= 3_000 and 4 <= len(rows[p][0]) <= 40]
            chosen = small[:: max(1, len(small) // args.polluted)][: args.polluted]
            with tempfile.TemporaryDirectory() as folder:
                truths, kinds = {}, {}
                for i, path in enumerate(chosen):
                    for kind, (content, truth) in pollutions(rows[path]).items():
                        to = pathlib.Path(folder, f"{i}_{kind.replace(' ', '_')}.csv")
                        to.write_bytes(content)
                        truths[str(to)], kinds[str(to)] = truth, kind
                answers = ask(args, [pathlib.Path(p) for p in truths])
                table("Polluted files", truths, answers, ASPECTS)
                print("\nRight in all of delimiter, encoding, header and shape, by pollution (Dropforge, DuckDB):\n")
                counts = collections.defaultdict(lambda: [0, 0, 0])
                for p, t in truths.items():
                    row = counts[kinds[p]]
                    row[0] += 1
                    for i, reader in enumerate(["dropforge", "duckdb"]):
                        row[i + 1] += all(right(answers[reader].get(p), t, a) for a in ASPECTS)
                for kind, (n, ours, theirs) in counts.items():
                    print(f"| {kind} | {n} | {ours} | {theirs} |")
                wrongs(args, truths, answers)
    if args.labelled:
        with open(args.labels, newline="") as f:
            labels = {os.path.join(args.labelled, r["path"]): r for r in csv.DictReader(f)}
        truths = {p: dict(delimiter=r["delimiter"].replace("tab", "\t").replace("space", " "), encoding="utf-8",
                          header=r["header"] == "true", columns=int(r["columns"]), records=None)
                  for p, r in labels.items() if os.path.exists(p)}
        answers = ask(args, [pathlib.Path(p) for p in truths])
        for found in answers.values():
            for answer in found.values():
                if answer and answer.get("columns") is not None:
                    answer["records"] = None
        print_columns(truths, answers)
        wrongs(args, truths, answers, ["delimiter", "header"])
    if args.heldout:
        with open(args.heldout_labels, newline="") as f:
            rows = [r for r in csv.DictReader(f) if os.path.exists(os.path.join(args.heldout, r["path"]))]
        named = {"tab": "\t", "space": " "}
        truths = {os.path.join(args.heldout, r["path"]): dict(
            delimiter=named.get(r["delimiter"], r["delimiter"]), encoding=r["encoding"], header=r["header"] == "true",
            columns=int(r["columns"]), records=int(r["records"])) for r in rows}
        answers = ask(args, [pathlib.Path(p) for p in truths])
        table("Held-out files", truths, answers, ASPECTS)
        for by in ["dialect", "hand"]:
            some = {p: t for (p, t), r in zip(truths.items(), rows) if r["by"] == by}
            table(f"Of them labelled by {by}", some, answers, ASPECTS)
        wrongs(args, truths, answers)


def print_columns(truths, answers):
    print(f"\nLabelled files: {len(truths)} files\n\n| reader | delimiter | header | columns |\n|---|---:|---:|---:|")
    for reader, found in answers.items():
        def share(key):
            good = sum(1 for p, t in truths.items() if found.get(p) and found[p].get(key) == t[key])
            known = any(a and a.get(key) is not None for a in found.values())
            return f"{100 * good / len(truths):.1f} %" if known else "–"
        print(f"| {reader} | {share('delimiter')} | {share('header')} | {share('columns')} |")


def wrongs(args, truths, answers, aspects=ASPECTS):
    if not args.wrong:
        return
    for p, t in truths.items():
        told = answers["dropforge"].get(p)
        bad = [a for a in aspects if not right(told, t, a)]
        if bad:
            print("wrong:", p[-70:], bad, told, {k: t[k] for k in ("delimiter", "header", "columns", "records")}, file=sys.stderr)


if __name__ == "__main__":
    main()
