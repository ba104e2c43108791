"""Exports a large table with Millrace and with the database's own tool, in turn;
see `bench-export`. Stops with an error unless both have all rows."""

import argparse
import glob
import json
import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

from bench_servers import Mysql, Postgres

PIPELINE = """
version = 1
name = "bench"
[datasets.nothing]
match = "nothing/*.csv"
[exports.rows]
table = "numbers"
to = "exports/{{run}}/"
format = "{format}"
[stages.export]
concurrency = 1
"""

POSTGRES = """CREATE TABLE numbers AS SELECT g::bigint AS id, (g % 100000)::int AS user_id,
    (g * 0.25)::numeric(12,2) AS total, 'note ' || g AS note, date '2020-01-01' + (g % 2000) AS day,
    timestamptz '2020-01-01' + g * interval '1 second' AS at, g % 2 = 0 AS ok, g * 0.1 AS ratio
    FROM generate_series(1, {rows}) AS g"""

MYSQL = """CREATE TABLE numbers AS SELECT CAST(seq AS SIGNED) AS id, CAST(seq % 100000 AS SIGNED) AS user_id,
    CAST(seq * 0.25 AS DECIMAL(12,2)) AS total, CONCAT('note ', seq) AS note,
    DATE_ADD(DATE '2020-01-01', INTERVAL seq % 2000 DAY) AS day,
    DATE_ADD(TIMESTAMP '2020-01-01 00:00:00', INTERVAL seq SECOND) AS at, seq % 2 AS ok, seq * 0.1e0 AS ratio
    FROM seq_1_to_{rows}"""


class PostgresSource:
    """COPY of the table to a file, as CSV."""
    peer = "COPY TO"

    def __init__(self, rows):
        self.server = Postgres("max_wal_size=8GB", "shared_buffers=256MB")
        self.server.psql(POSTGRES.format(rows=rows))
        self.server.psql("ANALYZE numbers")
        self.url = self.server.url()

    def export(self, folder):
        command = ["psql", "-X", "-q", self.url, "-c",
                   f"\\copy numbers to '{folder}/numbers.csv' with (format csv, header)"]
        subprocess.run(command, check=True)
        return int(subprocess.check_output(["wc", "-l", f"{folder}/numbers.csv"]).split()[0]) - 1

    def stop(self):
        self.server.stop()


class MysqlSource:
    """mysqldump --tab, which the server itself writes."""
    peer = "mysqldump --tab"

    def __init__(self, rows):
        self.server = Mysql("--innodb-buffer-pool-size=512M", "--innodb-log-file-size=512M",
                            "--secure-file-priv=")
        self.server.mysql(MYSQL.format(rows=rows))
        self.url = self.server.url()

    def export(self, folder):
        os.chmod(folder, 0o777)
        dump = shutil.which("mariadb-dump") or shutil.which("mysqldump")
        command = [dump, "--no-defaults", "-u", "root", f"--socket={self.server.folder}/socket",
                   f"--tab={folder}", "--single-transaction", "bench", "numbers"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return int(subprocess.check_output(["wc", "-l", f"{folder}/numbers.txt"]).split()[0])

    def stop(self):
        self.server.stop()


SOURCES = {"postgres": PostgresSource, "mysql": MysqlSource}


def peak_memory(stack):
    """The most that an export worker of this stack had in memory, in MB."""
    peak = 0
    for folder in glob.glob("/proc/[0-9]*"):
        try:
            with open(f"{folder}/cmdline", "rb") as line:
                if b"\0worker\0export\0" not in line.read():
                    continue
            with open(f"{folder}/status") as status:
                fields = dict(line.split(":", 1) for line in status)
            if int(fields["PPid"]) == stack:
                peak = max(peak, int(fields["VmHWM"].split()[0]) // 1024)
        except (OSError, KeyError):
            continue
    return peak


class Bench:
    def __init__(self, args):
        self.args, self.folder = args, tempfile.mkdtemp(prefix="millrace-bench-")

    def run(self, name):
        source = SOURCES[name](self.args.rows)
        try:
            self.measure(name, source)
        finally:
            source.stop()

    def measure(self, name, source):
        file = f"{self.folder}/{name}.toml"
        with open(file, "w") as pipeline:
            pipeline.write(PIPELINE.format(format=self.args.format))
        environment = dict(os.environ, MILLRACE_PIPELINE=file, DATABASE_URL=source.url,
                           MILLRACE_DATA=f"{self.folder}/{name}", AWS_REGION="us-east-1",
                           AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", NO_COLOR="1")
        with open(f"{self.folder}/log", "a") as log:
            stack = subprocess.Popen([self.args.binary, "dev", "--port", "0"], stderr=log,
                                     env=environment, stdout=subprocess.PIPE, text=True)
        try:
            for line in stack.stdout:
                if line.startswith("endpoint "):
                    environment["AWS_ENDPOINT_URL"] = line.split()[1]
                    break
            self.rounds(name, source, environment, stack.pid)
        finally:
            stack.send_signal(signal.SIGINT)
            stack.wait(60)

    def rounds(self, name, source, environment, stack):
        ours, theirs = [], []
        for number in range(self.args.rounds):
            command = [self.args.binary, "schedule", "run", "rows", "--wait", "-o", "json",
                       "--at", f"2026-01-{number + 1:02}T00:00:00Z"]
            done = json.loads(subprocess.check_output(command, env=environment))
            if done["rows"] != self.args.rows:
                raise SystemExit(f"{done['rows']} rows were exported of {self.args.rows}: {done}")
            ours.append(done["duration_ms"] / 1000)
            folder = tempfile.mkdtemp(prefix="peer-", dir=self.folder)
            os.chmod(self.folder, 0o755)
            began = time.time()
            if source.export(folder) != self.args.rows:
                raise SystemExit(f"{source.peer} has other rows")
            theirs.append(time.time() - began)
            shutil.rmtree(folder)
        speed = lambda times: round(self.args.rows / statistics.median(times))
        print(f"{name}: millrace ({self.args.format}) {speed(ours):,} rows/s, peak {peak_memory(stack)} MB; "
              f"{source.peer} {speed(theirs):,} rows/s")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--format", default="parquet")
    parser.add_argument("sources", nargs="+", choices=SOURCES)
    args = parser.parse_args()
    bench = Bench(args)
    try:
        for name in args.sources:
            bench.run(name)
    finally:
        shutil.rmtree(bench.folder, ignore_errors=True)


main()
