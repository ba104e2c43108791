//! What the database servers of tests have in common: who runs them, their folder,
//! their port, how they start and end, and the names of databases.
//!
//! A server is the child of a shell that starts it again when it ends, and waits
//! for the end of its own standard input: when the test process ends, however it
//! ends, the shell stops the server and removes its folder. The freshly initialised
//! folder is kept and copied, so that a start takes a third of a second.

use std::env;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

/// Copies the template, keeps the server running, passes signals on to it, and
/// cleans up. `$1` is the template, `$2` the folder, `$3` the signal at the end,
/// and the rest the server. A signal followed by `down` leaves it down until `up`.
const KEEPER: &str = r#"
trap '' INT TERM
template=$1 folder=$2 last=$3
shift 3
cp -r "$template" "$folder/data"
keep() {
    while [ ! -e "$folder/stop" ]; do
        if [ ! -e "$folder/down" ]; then
            "$@" </dev/null &
            echo $! >"$folder/pid"
            wait $!
            rm -f "$folder/pid"
        fi
        sleep 0.1
    done
}
keep "$@" &
while read -r signal until; do
    if [ "$signal" = up ]; then rm -f "$folder/down"; continue; fi
    [ "$until" != down ] || touch "$folder/down"
    kill -"$signal" "$(cat "$folder/pid")"
done
touch "$folder/stop"
kill -"$last" "$(cat "$folder/pid")"
wait
rm -rf "$folder"
"#;

/// A server that tests talk to.
pub(crate) struct Server {
    pub(crate) url: String,
    /// Its data folder; none for another's.
    pub(crate) data: Option<PathBuf>,
    /// Held open for as long as the server shall run; none for another's.
    input: Option<ChildStdin>,
}

impl Server {
    /// One that somebody else runs.
    pub(crate) fn of_another(url: String) -> Self {
        Self { url, data: None, input: None }
    }

    /// One that ends with this process.
    pub(crate) fn kept(url: String, data: PathBuf, input: ChildStdin) -> Self {
        Self { url, data: Some(data), input: Some(input) }
    }

    /// Whether databases have to be dropped, since the server stays.
    pub(crate) fn stays(&self) -> bool {
        self.input.is_none()
    }

    /// Sends its process a signal. If it ends, it is started again at once.
    ///
    /// # Panics
    /// If it is another's, or the shell that keeps it is gone.
    pub(crate) fn signal(&mut self, name: &str) {
        self.tell(name);
    }

    /// Ends its process by a signal and leaves it down until [`up`](Self::up).
    ///
    /// # Panics
    /// As [`signal`](Self::signal).
    pub(crate) fn down(&mut self, name: &str) {
        self.tell(&format!("{name} down"));
    }

    /// Starts it again after [`down`](Self::down).
    ///
    /// # Panics
    /// As [`signal`](Self::signal).
    pub(crate) fn up(&mut self) {
        self.tell("up");
    }

    fn tell(&mut self, what: &str) {
        let input = self.input.as_mut().expect("a server of our own");
        writeln!(input, "{what}").expect("the shell that keeps the server");
    }
}

/// Who runs a server: we, or another user where we are root, whom servers refuse.
pub(crate) struct Account(Option<(u32, u32)>);

impl Account {
    /// Ourselves, or `name`, or else `nobody`.
    pub(crate) fn of(name: &str) -> Self {
        Self((own_uid() == 0).then(|| user_of(name)))
    }

    /// The user's number.
    pub(crate) fn uid(&self) -> u32 {
        self.0.map_or_else(own_uid, |(uid, _)| uid)
    }

    /// A silent command of that user.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some((uid, gid)) = self.0 {
            command.uid(uid).gid(gid);
        }
        command.current_dir(env::temp_dir()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// A folder that belongs to that user.
    ///
    /// # Errors
    /// If it can't be made or given away.
    pub(crate) fn folder(&self, kind: &str) -> io::Result<PathBuf> {
        let prefix = format!("millrace-{kind}-");
        let folder = tempfile::Builder::new().prefix(&prefix).tempdir()?.keep();
        if let Some((uid, gid)) = self.0 {
            chown(&folder, Some(uid), Some(gid))?;
        }
        folder.canonicalize()
    }

    /// An initialised data folder to copy, made by whoever comes first while the
    /// others wait. `initialise` gets the folder to make it in.
    ///
    /// # Errors
    /// If it can't be made.
    ///
    /// # Panics
    /// If `initialise` fails.
    pub(crate) fn template(
        &self,
        kind: &str,
        version: &str,
        initialise: impl Fn(&Path) -> io::Result<bool>,
    ) -> io::Result<PathBuf> {
        let version: String = version.chars().filter(char::is_ascii_alphanumeric).collect();
        let name = format!("millrace-template-{kind}-{version}-{}", self.uid());
        let template = env::temp_dir().join(name);
        let lock = File::create(template.with_extension("lock"))?;
        lock.lock()?;
        if template.exists() {
            return Ok(template);
        }
        let folder = self.folder(kind)?;
        let data = folder.join("data");
        assert!(initialise(&data)?, "{kind} was not initialised in {}", folder.display());
        fs::rename(&data, &template)?;
        fs::remove_dir_all(&folder)?;
        Ok(template)
    }

    /// Starts a server on a copy of the template, in `folder`'s `data`, and keeps
    /// it running until what is answered is dropped; then it gets the `last`
    /// signal.
    ///
    /// # Errors
    /// If there is no shell.
    pub(crate) fn keep(
        &self,
        (template, folder): (&Path, &Path),
        last: &str,
        server: &Path,
        arguments: &[String],
    ) -> io::Result<ChildStdin> {
        let mut shell = self
            .command(Path::new("sh"))
            .args(["-c", KEEPER, "sh"])
            .args([template, folder])
            .arg(last)
            .arg(server)
            .args(arguments)
            .stdin(Stdio::piped())
            // Signals to the tests' group are not for it.
            .process_group(0)
            .spawn()?;
        shell.stdin.take().ok_or_else(|| io::Error::other("no standard input"))
    }
}

/// How long a server may take to answer.
pub(crate) const START_TIMEOUT: Duration = Duration::from_secs(30);

/// The user we run as.
fn own_uid() -> u32 {
    let folder = tempfile::tempdir().and_then(|folder| fs::metadata(folder.path()));
    folder.expect("a temporary folder").uid()
}

/// User and group of `name`, or else of `nobody`.
fn user_of(name: &str) -> (u32, u32) {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    ids(name).or_else(|| ids("nobody")).unwrap_or((65_534, 65_534))
}

/// A port that nobody listens on now.
pub(crate) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A name for a database that no other test has.
pub(crate) fn unique_name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("millrace_test_{}_{number}_{}", std::process::id(), now.subsec_nanos())
}

/// The URL with another database name; its query is kept.
pub(crate) fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let host_end = base.find("://").map_or(0, |at| at + 3);
    let base = match base[host_end..].find('/') {
        Some(slash) => &base[..host_end + slash],
        None => base,
    };
    if query.is_empty() { format!("{base}/{name}") } else { format!("{base}/{name}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_name_changes() {
        for (url, expected) in [
            ("postgres://u@h:1/postgres", "postgres://u@h:1/new"),
            ("postgres://u@h:1", "postgres://u@h:1/new"),
            ("postgres://u:p@h/a?sslmode=require", "postgres://u:p@h/new?sslmode=require"),
        ] {
            assert_eq!(with_database(url, "new"), expected);
        }
    }
}
