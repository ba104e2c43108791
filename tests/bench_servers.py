"""Database servers for the benchmarks: private, on a free port, gone at the end.

They run with the durability they come with: every commit waits for the disk.
"""

import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def unprivileged():
    """Whom a server runs as where we are root, whom servers refuse."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise SystemExit("there is no unprivileged user to run a server as")


class Postgres:
    """A PostgreSQL server with its own data folder."""

    def __init__(self, *settings):
        found = glob.glob("/usr/lib/postgresql/*/bin")
        version = lambda folder: int(folder.split("/")[-2])
        self.bin = max(found, key=version) if found else os.path.dirname(shutil.which("postgres"))
        self.user = unprivileged()
        self.folder = tempfile.mkdtemp(prefix="millrace-bench-")
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        data, self.port = os.path.join(self.folder, "data"), free_port()
        initdb = ["initdb", "--auth=trust", "--username=millrace", "--encoding=UTF8",
                  "--locale=C", "--pgdata", data]
        self.spawn(initdb).wait()
        command = ["postgres", "-D", data, "-p", str(self.port), "-c", "listen_addresses=127.0.0.1",
                   "-c", "unix_socket_directories="]
        for setting in settings:
            command += ["-c", setting]
        self.server = self.spawn(command)
        deadline = time.time() + 30
        while not self.answers():
            if time.time() > deadline:
                raise SystemExit("PostgreSQL does not start")
            time.sleep(0.1)

    def spawn(self, command):
        ids = {"user": self.user.pw_uid, "group": self.user.pw_gid} if self.user else {}
        return subprocess.Popen([os.path.join(self.bin, command[0])] + command[1:],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                cwd=self.folder, start_new_session=True, **ids)

    def answers(self):
        return subprocess.run([os.path.join(self.bin, "pg_isready"), "-q", "-h", "127.0.0.1",
                               "-p", str(self.port)]).returncode == 0

    def url(self, database="postgres"):
        return f"postgres://millrace@127.0.0.1:{self.port}/{database}"

    def psql(self, sql, database="postgres"):
        """The one value that a statement answers with, as text."""
        command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", self.url(database)]
        done = subprocess.run(command + ["-c", sql], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return done.stdout.strip()

    def stop(self):
        self.server.terminate()
        try:
            self.server.wait(20)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Mysql:
    """A MariaDB server with its own data folder."""

    def __init__(self, *settings):
        self.user = unprivileged()
        self.folder = tempfile.mkdtemp(prefix="millrace-bench-")
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        data, self.port = os.path.join(self.folder, "data"), free_port()
        self.spawn(["mariadb-install-db", "--no-defaults", f"--datadir={data}",
                    "--auth-root-authentication-method=normal", "--skip-test-db"]).wait()
        self.server = self.spawn(["mariadbd", "--no-defaults", f"--datadir={data}",
                                  f"--port={self.port}", "--bind-address=127.0.0.1",
                                  f"--socket={self.folder}/socket", "--local-infile=1",
                                  "--skip-grant-tables=0"] + list(settings))
        deadline = time.time() + 60
        while True:
            try:
                self.mysql("CREATE DATABASE IF NOT EXISTS bench", database="")
                self.mysql("CREATE USER IF NOT EXISTS millrace@'%' IDENTIFIED BY 'bench'")
                self.mysql("GRANT ALL ON *.* TO millrace@'%'")
                return
            except RuntimeError:
                if time.time() > deadline:
                    raise
                time.sleep(0.2)

    def spawn(self, command):
        program = shutil.which(command[0], path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
        ids = {"user": self.user.pw_uid, "group": self.user.pw_gid} if self.user else {}
        return subprocess.Popen([program or command[0]] + command[1:], cwd=self.folder,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                start_new_session=True, **ids)

    def url(self):
        return f"mysql://millrace:bench@127.0.0.1:{self.port}/bench"

    def mysql(self, sql, database="bench"):
        """The rows that a statement answers with, as text."""
        command = ["mariadb", "--no-defaults", "--local-infile=1", "-N", "-B", "-u", "root",
                   f"--socket={self.folder}/socket"] + ([database] if database else [])
        done = subprocess.run(command + ["-e", sql], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return done.stdout.strip()

    def stop(self):
        self.server.terminate()
        try:
            self.server.wait(30)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
