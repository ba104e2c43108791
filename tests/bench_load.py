"""Loads lineitem with Millrace and with the database's own loader, in turn; see
`bench-load`. Stops with an error unless both have the same rows."""

import argparse
import json
import os
import shutil
import signal
import sqlite3
import statistics
import subprocess
import tempfile
import time

from bench_servers import Mysql, Postgres

COLUMNS = [
    ("l_orderkey", "int64"), ("l_partkey", "int64"), ("l_suppkey", "int64"),
    ("l_linenumber", "int32"), ("l_quantity", "decimal(12,2)"),
    ("l_extendedprice", "decimal(12,2)"), ("l_discount", "decimal(12,2)"),
    ("l_tax", "decimal(12,2)"), ("l_returnflag", "string"), ("l_linestatus", "string"),
    ("l_shipdate", "date"), ("l_commitdate", "date"), ("l_receiptdate", "date"),
    ("l_shipinstruct", "string"), ("l_shipmode", "string"), ("l_comment", "string"),
]

PIPELINE = """
version = 1
name = "line"
[lake]
raw = "line-raw"
curated = "line-lake"
{warehouse}
[datasets.lineitem]
match = "lineitem/*.csv"
format = "csv"
[datasets.lineitem.schema]
mode = "strict"
columns = [
{columns}
]
[datasets.lineitem.load]
table = "lineitem"
mode = "append"
"""

SUMS = "SELECT COUNT(*), SUM(l_orderkey), SUM({price}), MAX(l_shipdate) FROM {table}"


class PostgresTarget:
    """psql \\copy of the CSV into a table of the same types."""
    peer = "psql \\copy"
    price = "l_extendedprice"

    def __init__(self, csv):
        self.csv, self.server = csv, Postgres("max_wal_size=8GB", "shared_buffers=256MB")
        self.url = self.server.url()

    def prepare(self):
        """Both begin with an empty table, and with nothing left to be written."""
        if self.server.psql("SELECT to_regclass('lineitem') IS NOT NULL") == "t":
            self.server.psql("CREATE TABLE IF NOT EXISTS copied (LIKE lineitem INCLUDING ALL)")
            self.server.psql("ALTER TABLE copied DROP COLUMN IF EXISTS _load_id")
            self.server.psql("TRUNCATE lineitem, copied")
        self.server.psql("CHECKPOINT")

    def load(self):
        self.server.psql(f"\\copy copied FROM '{self.csv}' (FORMAT csv, HEADER)")

    def ask(self, sql):
        return self.server.psql(sql).split("|")

    def stop(self):
        self.server.stop()


class SqliteTarget:
    """sqlite3 .import of the CSV, which is one transaction, into a table of the
    same types."""
    peer = "sqlite3 .import"
    price = "CAST(ROUND(100 * l_extendedprice) AS INTEGER)"

    def __init__(self, csv):
        self.csv, self.folder = csv, tempfile.mkdtemp(prefix="millrace-load-")
        self.file = f"{self.folder}/warehouse.db"
        self.url = f"sqlite://{self.file}"

    def prepare(self):
        db = sqlite3.connect(self.file, timeout=60, isolation_level=None)
        found = db.execute("SELECT sql FROM sqlite_master WHERE name = 'lineitem'").fetchone()
        if found:
            db.execute("DELETE FROM lineitem")
            copied = found[0].replace('"lineitem"', "copied")
            copied = copied.replace(', "_load_id" BIGINT NOT NULL', "")
            db.execute("DROP TABLE IF EXISTS copied")
            db.execute(copied)
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()

    def load(self):
        script = f".mode csv\nPRAGMA synchronous = NORMAL;\n.import --skip 1 {self.csv} copied\n"
        subprocess.run(["sqlite3", self.file], input=script, text=True, check=True,
                       stdout=subprocess.DEVNULL)

    def ask(self, sql):
        with sqlite3.connect(self.file, timeout=60) as db:
            return [str(value) for value in db.execute(sql).fetchone()]

    def stop(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class MysqlTarget:
    """LOAD DATA LOCAL INFILE of the CSV into a table of the same types."""
    peer = "LOAD DATA LOCAL INFILE"
    price = "l_extendedprice"

    def __init__(self, csv):
        self.csv, self.server = csv, Mysql()
        self.url = self.server.url()

    def prepare(self):
        if self.server.mysql("SHOW TABLES LIKE 'lineitem'"):
            self.server.mysql("DROP TABLE IF EXISTS copied")
            self.server.mysql("CREATE TABLE copied LIKE lineitem")
            self.server.mysql("ALTER TABLE copied DROP COLUMN _load_id")
            self.server.mysql("TRUNCATE lineitem")

    def load(self):
        self.server.mysql(f"LOAD DATA LOCAL INFILE '{self.csv}' INTO TABLE copied "
                          "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' IGNORE 1 LINES")

    def ask(self, sql):
        return self.server.mysql(sql).split("\t")

    def stop(self):
        self.server.stop()


TARGETS = {"postgres": PostgresTarget, "sqlite": SqliteTarget, "mysql": MysqlTarget}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--csv", required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("targets", nargs="+", choices=list(TARGETS))
    args = parser.parse_args()
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    for name in args.targets:
        target = TARGETS[name](args.csv)
        folder = tempfile.mkdtemp(prefix="millrace-load-")
        try:
            Bench(args, target, folder).run(name)
        finally:
            target.stop()
            shutil.rmtree(folder, ignore_errors=True)


class Bench:
    def __init__(self, args, target, folder):
        self.args, self.target, self.folder = args, target, folder
        columns = "\n".join(f'  {{ name = "{name}", type = "{kind}", required = true }},'
                            for name, kind in COLUMNS)
        warehouse = '[warehouse]\nurl = "env:DATABASE_URL"'
        with open(f"{folder}/millrace.toml", "w") as out:
            out.write(PIPELINE.format(columns=columns, warehouse=warehouse))
        self.environment = dict(
            os.environ, NO_COLOR="1", MILLRACE_DATA=f"{folder}/data", DATABASE_URL=target.url,
            MILLRACE_PIPELINE=f"{folder}/millrace.toml", AWS_ACCESS_KEY_ID="local",
            AWS_SECRET_ACCESS_KEY="local", AWS_REGION="us-east-1")

    def run(self, name):
        with open(f"{self.folder}/log", "a") as log:
            stack = subprocess.Popen([self.args.binary, "dev", "--port", "0"], stderr=log,
                                     env=self.environment, stdout=subprocess.PIPE, text=True)
        try:
            for line in stack.stdout:
                if line.startswith("endpoint "):
                    self.environment["AWS_ENDPOINT_URL"] = line.split()[1]
                    break
            self.rounds(name)
        finally:
            stack.send_signal(signal.SIGINT)
            stack.wait(60)

    def rounds(self, name):
        ratios = []
        for number in range(self.args.rounds):
            self.target.prepare()
            rows, ours = self.ours(number)
            # The first round has the peer's table made like ours.
            if number == 0:
                expected = self.target.ask(SUMS.format(table="lineitem", price=self.target.price))
            self.target.prepare()
            begin = time.time()
            self.target.load()
            theirs = time.time() - begin
            found = self.target.ask(SUMS.format(table="copied", price=self.target.price))
            if found != expected:
                raise SystemExit(f"{self.target.peer} has {found}, but Millrace has {expected}")
            ratios.append(theirs / ours)
            print(f"{name}: {rows} rows; millrace {ours:.2f} s = {rows / ours:,.0f} rows/s; "
                  f"{self.target.peer} {theirs:.2f} s = {rows / theirs:,.0f} rows/s; "
                  f"ratio {ratios[-1]:.2f}", flush=True)
        print(f"{name}: median ratio {statistics.median(ratios):.2f} "
              f"(above 1: faster than {self.target.peer})", flush=True)

    def ours(self, number):
        """Rows, and the seconds of the load stage from the message to the commit in
        both databases."""
        link = f"{self.folder}/{number}.csv"
        os.symlink(self.args.csv, link)
        publish = [self.args.binary, "publish", link, "--dataset", "lineitem", "--wait",
                   "--timeout", "1800", "-o", "json"]
        done = subprocess.run(publish, env=self.environment, capture_output=True, text=True)
        if done.returncode != 0:
            log = open(f"{self.folder}/log").read()[-2000:]
            raise SystemExit(f"{done.stderr}\n{done.stdout}\n{log}")
        trace = [self.args.binary, "trace", f"s3://line-raw/lineitem/{number}.csv", "-o", "json"]
        traced = subprocess.run(trace, env=self.environment, capture_output=True, text=True,
                                check=True)
        version = json.loads(traced.stdout)["versions"][-1]
        hop = [hop for hop in version["hops"] if hop["stage"] == "load"][-1]
        return self.rows_of(version), hop["duration_ms"] / 1000

    def rows_of(self, version):
        return int(self.target.ask("SELECT COUNT(*) FROM lineitem")[0])


if __name__ == "__main__":
    main()
