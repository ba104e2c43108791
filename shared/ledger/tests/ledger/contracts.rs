//! Contracts, and the columns that inference settles.

use millrace_contract::{
    ColumnDef, ContractVersion, CsvOptions, DataType, Dataset, FileFormat, ParquetOptions,
    RejectOptions, Schema,
};
use millrace_ledger::LedgerError;

use crate::support::places;

fn dataset() -> Dataset {
    Dataset {
        name: "sales".into(),
        pattern: "in/*.csv".into(),
        description: None,
        format: FileFormat::Csv,
        json: Default::default(),
        fixed: Default::default(),
        filter: None,
        shared: false,
        xlsx: Default::default(),
        csv: CsvOptions::default(),
        schema: Schema::default(),
        expect: Vec::new(),
        rejects: RejectOptions::default(),
        transform: None,
        parquet: ParquetOptions::default(),
        limits: Default::default(),
        load: None,
    }
}

fn column(name: &str) -> ColumnDef {
    ColumnDef::new(name, DataType::Int64)
}

#[tokio::test]
async fn a_contract_is_kept_as_it_was_first_put() {
    for place in places().await {
        let ledger = place.ledger().await;
        let version = ContractVersion::of(&dataset());
        assert_eq!(ledger.contract("sales", &version).await.unwrap(), None);
        ledger.put_contract(&version, &dataset()).await.unwrap();
        ledger.put_contract(&version, &dataset()).await.unwrap();
        assert_eq!(ledger.contract("sales", &version).await.unwrap(), Some(dataset()));
    }
}

#[tokio::test]
async fn everybody_is_given_the_columns_that_were_settled_first() {
    for place in places().await {
        let ledger = place.ledger().await;
        let version = ContractVersion::of(&dataset());
        ledger.put_contract(&version, &dataset()).await.unwrap();
        assert_eq!(ledger.settled_columns("sales", &version).await.unwrap(), None);
        let asking: Vec<_> = (0..8)
            .map(|worker| {
                let (ledger, version) = (ledger.clone(), version.clone());
                tokio::spawn(async move {
                    let candidate = [column(&format!("of worker {worker}"))];
                    ledger.resolve_columns("sales", &version, &candidate).await.unwrap()
                })
            })
            .collect();
        let mut answers = Vec::new();
        for ask in asking {
            answers.push(ask.await.unwrap());
        }
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        let settled = ledger.settled_columns("sales", &version).await.unwrap();
        assert_eq!(settled.as_ref(), answers.first());
    }
}

#[tokio::test]
async fn columns_of_an_unknown_contract_are_refused() {
    for place in places().await {
        let ledger = place.ledger().await;
        let version = ContractVersion::from_text("nowhere");
        let error = ledger.resolve_columns("sales", &version, &[column("a")]).await;
        assert!(matches!(error, Err(LedgerError::UnknownContract { .. })), "{error:?}");
    }
}
