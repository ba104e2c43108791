//! What is on record about views: `millrace_views`, in the warehouse's own
//! database, written in the transaction that makes the view.

use chrono::{DateTime, Utc};
use millrace_contract::View;
use millrace_ledger::{Database, DatabaseError, Row, Transaction, Value};
use millrace_retry::{Classify, FailureClass};

/// What is known of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewRecord {
    /// Its schema, where it has one.
    pub schema: Option<String>,
    /// Its name.
    pub name: String,
    /// The query it is made of; `None` while it is not there.
    pub definition: Option<String>,
    /// When it was made.
    pub made_at: Option<DateTime<Utc>>,
    /// Why what was tried last could not be made.
    pub problem: Option<String>,
}

impl ViewRecord {
    /// Whether it was made of this query.
    pub(super) fn is_made_as(&self, definition: &str) -> bool {
        self.definition.as_deref() == Some(definition)
    }

    /// The view as it was made, if it is there.
    pub(super) fn made(&self) -> Option<View> {
        Some(View {
            name: self.name.clone(),
            schema: self.schema.clone(),
            sql: self.definition.clone()?,
            depends_on: Vec::new(),
        })
    }

    fn read(row: &Row) -> Result<Self, DatabaseError> {
        let schema: String = row.get("view_schema")?;
        Ok(Self {
            schema: Some(schema).filter(|schema| !schema.is_empty()),
            name: row.get("view_name")?,
            definition: row.get("definition")?,
            made_at: row.get("made_at")?,
            problem: row.get("problem")?,
        })
    }
}

const COLUMNS: &str =
    "SELECT view_schema, view_name, definition, made_at, problem FROM millrace_views";

/// Every view on record, by name.
///
/// # Errors
/// [`DatabaseError`], classified.
pub(crate) async fn records(database: &Database) -> Result<Vec<ViewRecord>, DatabaseError> {
    let sql = format!("{COLUMNS} ORDER BY view_schema, view_name");
    database.fetch_all(&sql, &[]).await?.iter().map(ViewRecord::read).collect()
}

pub(super) async fn find(
    transaction: &mut Transaction,
    view: &View,
) -> Result<Option<ViewRecord>, DatabaseError> {
    let sql = format!("{COLUMNS} WHERE view_schema = $1 AND view_name = $2");
    let row = transaction.fetch_optional(&sql, &place(view)).await?;
    row.as_ref().map(ViewRecord::read).transpose()
}

/// Those that are there, in the order in which they were made.
pub(super) async fn all_made(transaction: &mut Transaction) -> Result<Vec<View>, DatabaseError> {
    let sql = format!("{COLUMNS} WHERE made_at IS NOT NULL ORDER BY made_at, view_name");
    let mut views = Vec::new();
    for row in transaction.fetch_all(&sql, &[]).await? {
        views.extend(ViewRecord::read(&row)?.made());
    }
    Ok(views)
}

/// Writes down that a view is there.
pub(super) async fn made(transaction: &mut Transaction, view: &View) -> Result<(), DatabaseError> {
    write(transaction, view, Some((&view.sql, Utc::now())), None).await
}

/// Writes down why a view is not there as it is declared. One that was made of
/// another text still is.
pub(super) async fn refused(
    transaction: &mut Transaction,
    view: &View,
    problem: &str,
) -> Result<(), DatabaseError> {
    let before = find(transaction, view).await?;
    let made = before.as_ref().and_then(|record| record.definition.as_ref().zip(record.made_at));
    let made = made.map(|(definition, made_at)| (definition.as_str(), made_at));
    write(transaction, view, made, Some(problem)).await
}

/// Writes down that a view is there no more.
pub(super) async fn gone(
    transaction: &mut Transaction,
    view: &View,
    problem: &str,
) -> Result<(), DatabaseError> {
    write(transaction, view, None, Some(problem)).await
}

async fn write(
    transaction: &mut Transaction,
    view: &View,
    made: Option<(&str, DateTime<Utc>)>,
    problem: Option<&str>,
) -> Result<(), DatabaseError> {
    let [schema, name] = place(view);
    let values: [Value; 7] = [
        schema,
        name,
        made.map(|(definition, _)| definition).into(),
        made.map(|(_, made_at)| made_at).into(),
        view.sql.as_str().into(),
        Utc::now().into(),
        problem.into(),
    ];
    let update = "UPDATE millrace_views SET definition = $3, made_at = $4, tried = $5, \
                      attempted_at = $6, problem = $7 WHERE view_schema = $1 AND view_name = $2";
    if transaction.execute(update, &values).await? > 0 {
        return Ok(());
    }
    let insert = "INSERT INTO millrace_views (view_schema, view_name, definition, made_at, tried, \
                      attempted_at, problem) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    transaction.execute(insert, &values).await.map(drop)
}

fn place(view: &View) -> [Value; 2] {
    [view.schema.as_deref().unwrap_or_default().into(), view.name.as_str().into()]
}

/// Whether an error is the view's own and not the database's trouble.
pub(super) fn is_about_the_view(error: &DatabaseError) -> bool {
    match error.class() {
        FailureClass::Contract
        | FailureClass::Denied
        | FailureClass::Missing
        | FailureClass::Poison => true,
        FailureClass::Transient | FailureClass::Throttled | FailureClass::Outage => false,
    }
}
