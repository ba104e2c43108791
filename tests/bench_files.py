"""Publishes many small files and measures how fast the workers bring them to the
database; see `bench-files`. Stops with an error unless every row is there once."""

import argparse
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from datetime import datetime

from bench_servers import Postgres

PIPELINE = """
version = 1
name = "small"
[lake]
raw = "small-raw"
curated = "small-lake"
{warehouse}
[datasets.small]
match = "small/*.csv"
format = "csv"
[datasets.small.schema]
mode = "strict"
columns = [
  {{ name = "id", type = "int64", required = true }},
  {{ name = "day", type = "date", required = true }},
  {{ name = "amount", type = "decimal(12,2)", required = true }},
  {{ name = "note", type = "string" }},
]
[datasets.small.load]
table = "small"
mode = "append"
{stages}
"""

TICK = os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--files", type=int, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("warehouses", nargs="+", choices=["sqlite", "postgres"])
    args = parser.parse_args()
    print(f"{args.files} files of {args.rows} rows, {args.workers} worker(s) a stage, "
          f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    print(f"{'warehouse':<10}{'publish':>9}{'ingest':>9}{'transform':>11}{'load':>7}"
          f"{'whole way':>11}   files/s; CPU-ms a file of each process")
    for _ in range(args.rounds):
        for warehouse in args.warehouses:
            run(args, warehouse)


def run(args, warehouse):
    folder = tempfile.mkdtemp(prefix="millrace-files-")
    server = Postgres() if warehouse == "postgres" else None
    try:
        bench = Bench(args, folder, server)
        published = bench.publish()
        rates, spent = bench.drain(args.workers)
        shares = ", ".join(f"{name} {1000 * seconds / args.files:.2f}"
                           for name, seconds in sorted(spent.items()))
        print(f"{warehouse:<10}{published:>9.0f}{rates[0]:>9.0f}{rates[1]:>11.0f}{rates[2]:>7.0f}"
              f"{rates[2]:>11.0f}   {shares}", flush=True)
    finally:
        if server:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Bench:
    def __init__(self, args, folder, server):
        self.args, self.folder, self.server = args, folder, server
        self.environment = dict(os.environ, NO_COLOR="1", MILLRACE_DATA=f"{folder}/data",
                                AWS_ACCESS_KEY_ID="local", AWS_SECRET_ACCESS_KEY="local",
                                AWS_REGION="us-east-1")
        self.environment.pop("DATABASE_URL", None)
        if server:
            self.environment["DATABASE_URL"] = server.url()
        os.makedirs(f"{folder}/small")
        number = 0
        for file in range(args.files):
            with open(f"{folder}/small/{file:06}.csv", "w") as out:
                out.write("id,day,amount,note\n")
                for _ in range(args.rows):
                    number += 1
                    out.write(f"{number},2024-{number % 12 + 1:02}-{number % 28 + 1:02},"
                              f"{number % 9999}.{number % 100:02},note {number}\n")
        self.rows, self.total = number, number * (number + 1) // 2

    def start(self, workers, options=()):
        pipeline = f"{self.folder}/millrace.toml"
        stages = "".join(f"[stages.{stage}]\nworkers = {workers}\n"
                         for stage in ("ingest", "transform", "load"))
        warehouse = '[warehouse]\nurl = "env:DATABASE_URL"' if self.server else ""
        with open(pipeline, "w") as out:
            out.write(PIPELINE.format(stages=stages, warehouse=warehouse))
        self.environment["MILLRACE_PIPELINE"] = pipeline
        log = open(f"{self.folder}/log", "a")
        stack = subprocess.Popen([self.args.binary, "dev", "--port", "0", *options], env=self.environment,
                                 stdout=subprocess.PIPE, stderr=log, text=True)
        for line in stack.stdout:
            if line.startswith("endpoint "):
                self.environment["AWS_ENDPOINT_URL"] = line.split()[1]
                return stack
        raise SystemExit(f"the stack does not start:\n{open(f'{self.folder}/log').read()}")

    def publish(self):
        """Files per second of publishing alone: no worker runs."""
        stack = self.start(workers=0)
        begin = time.time()
        command = [self.args.binary, "publish", f"{self.folder}/small", "--dataset", "small"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        rate = self.args.files / (time.time() - begin)
        stop(stack)
        return rate

    def drain(self, workers, options=()):
        """Files per second up to the end of each stage, and CPU-seconds of each process."""
        begin = time.time()
        stack = self.start(workers, options)
        while self.count("loads", "SELECT COUNT(*) FROM millrace_loads") < self.args.files:
            if stack.poll() is not None or time.time() - begin > 1200:
                raise SystemExit(f"not all files arrive:\n{open(f'{self.folder}/log').read()[-3000:]}")
            time.sleep(0.1)
        deadline = time.time() + 30
        loaded = "SELECT COUNT(*) FROM millrace_files WHERE state = 'loaded'"
        while self.count("journey", loaded) < self.args.files and time.time() < deadline:
            time.sleep(0.1)
        spent = processes(stack.pid)
        stop(stack)
        self.check()
        rates = []
        for column in ("registered_at", "transformed_at", "loaded_at"):
            last = self.ask("journey", f"SELECT MAX({column}) FROM millrace_files")
            rates.append(self.args.files / (moment(last) - begin))
        return rates, spent

    def check(self):
        """Every row once, every file on record."""
        found = [self.count("warehouse", "SELECT COUNT(*) FROM small"),
                 self.count("warehouse", "SELECT SUM(id) FROM small"),
                 self.count("loads", "SELECT COUNT(*) FROM millrace_loads"),
                 self.count("loads", "SELECT SUM(row_count) FROM millrace_loads"),
                 self.count("warehouse", "SELECT COUNT(DISTINCT _load_id) FROM small"),
                 self.count("journey", "SELECT COUNT(*) FROM millrace_files WHERE state = 'loaded'"),
                 self.count("journey", "SELECT COUNT(*) FROM millrace_hops WHERE stage = 'load'")]
        files = self.args.files
        wanted = [self.rows, self.total, files, self.rows, files, files, files]
        if found[:6] != wanted[:6] or found[6] < files:
            raise SystemExit(f"rows, sum, loads, rows on record, load ids, loaded, hops: "
                             f"{found} instead of {wanted}")

    def count(self, where, sql):
        try:
            return int(self.ask(where, sql) or 0)
        except (sqlite3.OperationalError, RuntimeError) as error:
            if "no such table" in str(error) or "does not exist" in str(error) \
                    or "unable to open" in str(error):
                return 0
            raise

    def ask(self, where, sql):
        if self.server:
            return self.server.psql(sql)
        file = "warehouse.ledger.db" if where == "journey" else "warehouse.db"
        with sqlite3.connect(f"file:{self.folder}/data/{file}?mode=ro", uri=True, timeout=30) as db:
            return db.execute(sql).fetchone()[0]


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def processes(stack):
    """CPU-seconds of the stack and its workers, by name."""
    spent = {"dev": cpu(stack)}
    for child in open(f"/proc/{stack}/task/{stack}/children").read().split() or children(stack):
        words = open(f"/proc/{child}/cmdline").read().split("\0")
        name = words[words.index("worker") + 1] if "worker" in words else "other"
        spent[name] = spent.get(name, 0) + cpu(child)
    return spent


def children(parent):
    done = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True)
    return done.stdout.split()


def cpu(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def stop(stack):
    stack.send_signal(signal.SIGINT)
    stack.wait(60)


if __name__ == "__main__":
    main()
