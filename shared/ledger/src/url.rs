//! Reading a database URL, without ever repeating it: it holds the password.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use crate::DatabaseError;
use crate::fault::Fault;

/// The password of a MySQL URL that has none, as for MySQL's own programs ("MySQL
/// Program Environment Variables", MySQL Reference Manual). PostgreSQL's is
/// `PGPASSWORD`, which its driver reads by itself.
const MYSQL_PASSWORD: &str = "MYSQL_PWD";

/// How long a SQLite writer waits for another process's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(120);

/// What a commit in a SQLite file survives. Servers say that themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The end of the machine: a commit waits for the disk.
    Machine,
    /// The end of every process, but a machine that loses its power may lose what
    /// was committed last.
    Process,
}

/// Where a database is, with a name for it that holds no secret.
#[derive(Debug, Clone)]
pub(crate) enum Location {
    Postgres(Box<PgConnectOptions>),
    Sqlite(Box<SqliteConnectOptions>),
    MySql(Box<MySqlConnectOptions>),
}

impl Location {
    pub(crate) fn parse(url: &str, durability: Durability) -> Result<Self, DatabaseError> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("postgres" | "postgresql") => postgres(url),
            Some("sqlite") => sqlite(url, durability),
            Some("mysql" | "mariadb") => mysql(url, std::env::var(MYSQL_PASSWORD).ok()),
            Some("redshift") => Err(wrong(
                "Redshift URL",
                "this version does not run loads into Redshift, it only shows their statements \
                 (`millrace plan`); use `postgres://`, `mysql://` or `sqlite://`",
            )),
            _ => Err(wrong(
                "database URL",
                "it must start with `postgres://`, `mysql://` or `sqlite://`, as in \
                 `postgres://user:password@host:5432/name` or `sqlite://data/warehouse.db`",
            )),
        }
    }

    /// Host and name, or the file: for messages.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Postgres(options) => {
                let host = match options.get_socket() {
                    Some(socket) => socket.display().to_string(),
                    None => format!("{}:{}", options.get_host(), options.get_port()),
                };
                let name = options.get_database().unwrap_or_else(|| options.get_username());
                format!("PostgreSQL `{name}` at `{host}`")
            }
            Self::Sqlite(options) => format!("SQLite `{}`", options.get_filename().display()),
            Self::MySql(options) => {
                let host = match options.get_socket() {
                    Some(socket) => socket.display().to_string(),
                    None => format!("{}:{}", options.get_host(), options.get_port()),
                };
                format!("MySQL `{}` at `{host}`", options.get_database().unwrap_or_default())
            }
        }
    }
}

fn postgres(url: &str) -> Result<Location, DatabaseError> {
    let options = PgConnectOptions::from_str(url).map_err(|_| {
        wrong(
            "PostgreSQL URL",
            "it is not of the form `postgres://user:password@host:5432/name` (special \
             characters in the password are written as `%XX`)",
        )
    })?;
    Ok(Location::Postgres(Box::new(
        options.application_name("millrace").disable_statement_logging(),
    )))
}

/// Session settings come with each connection (`crate::mysql`); what the URL says
/// of character set and time zone is not used, since values depend on them.
fn mysql(url: &str, password: Option<String>) -> Result<Location, DatabaseError> {
    let form = "it is not of the form `mysql://user:password@host:3306/name` (special \
                characters in the password are written as `%XX`)";
    let options = MySqlConnectOptions::from_str(url).map_err(|_| wrong("MySQL URL", form))?;
    if options.get_database().is_none() {
        return Err(wrong("MySQL URL", "it names no database: `mysql://user:password@host/name`"));
    }
    let options = match password.filter(|_| !has_password(url)) {
        Some(password) => options.password(&password),
        None => options,
    };
    Ok(Location::MySql(Box::new(
        options.charset("utf8mb4").timezone("+00:00".to_owned()).disable_statement_logging(),
    )))
}

/// Whether a URL has a password, be it an empty one.
fn has_password(url: &str) -> bool {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

fn sqlite(url: &str, durability: Durability) -> Result<Location, DatabaseError> {
    let synchronous = match durability {
        Durability::Machine => SqliteSynchronous::Full,
        Durability::Process => SqliteSynchronous::Normal,
    };
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|_| wrong("SQLite URL", "it is not of the form `sqlite://path/to/file.db`"))?;
    if url.contains(":memory:") || url.contains("mode=memory") || is_empty(options.get_filename()) {
        return Err(wrong(
            "SQLite URL",
            "a database in memory can't be shared by the workers; name a file, as in \
             `sqlite://data/warehouse.db`",
        ));
    }
    Ok(Location::Sqlite(Box::new(
        options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging(),
    )))
}

fn is_empty(path: &Path) -> bool {
    path.as_os_str().is_empty()
}

fn wrong(what: &str, why: &str) -> DatabaseError {
    DatabaseError::new(Fault::Url, what, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Location, DatabaseError> {
        Location::parse(url, Durability::Machine)
    }

    #[test]
    fn a_name_says_where_but_never_the_password() {
        let location = parse("postgres://ann:s3cret@db.example:5433/finance");
        let name = location.expect("a URL").name();
        assert_eq!(name, "PostgreSQL `finance` at `db.example:5433`");
        let name = parse("sqlite://data/w.db").expect("a URL").name();
        assert_eq!(name, "SQLite `data/w.db`");
        for scheme in ["mysql", "mariadb"] {
            let url = format!("{scheme}://ann:s3cret@db.example/finance?ssl-mode=VERIFY_IDENTITY");
            let name = parse(&url).expect("a URL").name();
            assert_eq!(name, "MySQL `finance` at `db.example:3306`");
        }
    }

    #[test]
    fn a_mysql_url_without_a_password_takes_that_of_the_environment() {
        let with = |url: &str| match mysql(url, Some("r0tated".to_owned())) {
            Ok(Location::MySql(options)) => options.to_url_lossy().to_string(),
            other => panic!("{other:?}"),
        };
        assert!(with("mysql://ann@h:1/d").starts_with("mysql://ann:r0tated@h:1/d"));
        assert!(with("mysql://h/d?x=a:b@c").contains(":r0tated@h"));
        assert!(with("mysql://ann:own@h/d").starts_with("mysql://ann:own@h"));
        assert!(!with("mysql://ann:@h/d").contains("r0tated"));
    }

    #[test]
    fn wrong_urls_are_refused_without_being_repeated() {
        for url in [
            "redshift://u:s3cret@h/db",
            "oracle://u:s3cret@h/db",
            "mysql://u:s3cret@h",
            "mysql://u:s3cret@h:port/db",
            "mysql://u:s3cret@h/db?ssl-mode=perhaps",
            "postgres://u:s3cret@h:port/db",
            "s3cret",
            "",
            "sqlite::memory:",
            "sqlite://",
        ] {
            let error = parse(url).expect_err(url);
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        }
    }
}
