//! Many rows in few statements: a table's rows go in as one JSON array.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

/// How many rows wait for one statement.
const BATCH: usize = 2_000;

/// A hand that writes into the store's file.
pub struct Rows {
    connection: SqliteConnection,
    waiting: BTreeMap<(&'static str, &'static str), Vec<Value>>,
}

impl Rows {
    /// Opens a file that the program has made.
    pub async fn open(database: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(database).foreign_keys(true);
        let connection = options.busy_timeout(std::time::Duration::from_secs(30)).connect().await;
        Self { connection: connection.expect("the store's file"), waiting: BTreeMap::new() }
    }

    /// Carries one statement out.
    pub async fn execute(&mut self, statement: &str) {
        let done = sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&mut self.connection).await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    /// Carries one statement out with values.
    pub async fn execute_with(&mut self, statement: &'static str, values: &[&str]) {
        let query = values.iter().fold(sqlx::query(statement), |query, value| query.bind(*value));
        query.execute(&mut self.connection).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    /// One number.
    pub async fn number(&mut self, question: &'static str) -> i64 {
        let answer = sqlx::query_scalar(question).fetch_one(&mut self.connection).await;
        answer.unwrap_or_else(|error| panic!("{question}: {error}"))
    }

    /// Puts a row down; `row` is an array in the order of `columns`, which are separated by `, `. What is in a column with `#` in
    /// front is bytes, given as hexadecimal digits.
    pub async fn add(&mut self, table: &'static str, columns: &'static str, row: Value) {
        let waiting = self.waiting.entry((table, columns)).or_default();
        waiting.push(row);
        if waiting.len() >= BATCH {
            self.flush((table, columns)).await;
        }
    }

    /// Writes what still waits; in the order in which tables refer to one another.
    pub async fn finish(&mut self) {
        for table in std::mem::take(&mut self.waiting).into_iter().collect::<Vec<_>>() {
            self.write(table.0, table.1).await;
        }
    }

    async fn flush(&mut self, key: (&'static str, &'static str)) {
        let rows = self.waiting.remove(&key).unwrap_or_default();
        self.write(key, rows).await;
    }

    async fn write(&mut self, (table, columns): (&str, &str), rows: Vec<Value>) {
        let value = |(at, column): (usize, &str)| match column.strip_prefix('#') {
            Some(_) => format!("unhex(value ->> {at})"),
            None => format!("value ->> {at}"),
        };
        let values: Vec<String> = columns.split(", ").enumerate().map(value).collect();
        let columns = columns.replace('#', "");
        let statement = format!("INSERT INTO {table} ({columns}) SELECT {} FROM json_each(?)", values.join(", "));
        let rows = Value::Array(rows).to_string();
        let done = sqlx::query(AssertSqlSafe(statement)).bind(rows).execute(&mut self.connection).await;
        done.unwrap_or_else(|error| panic!("rows of {table}: {error}"));
    }

    /// Lets go of the file.
    pub async fn close(self) {
        self.connection.close().await.expect("the store's file is whole");
    }
}
