//! Where datasets are registered as tables.

use std::time::Duration;

use millrace_contract::StageName;

use super::*;

const DATASETS: &str = "version = 1\nname = \"My-Shop\"\n[lake]\nraw = \"s-raw\"\ncurated = \"s-lake\"\n\
                        [datasets.My-Orders]\nmatch = \"orders/*.csv\"\n";

fn pipeline(text: &str) -> Pipeline {
    Pipeline::parse(&format!("{DATASETS}{text}")).unwrap()
}

fn problem(text: &str) -> String {
    let problems = Pipeline::parse(&format!("{DATASETS}{text}")).unwrap_err().problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems[0].message.clone()
}

#[test]
fn a_pipeline_registers_tables_if_it_says_so() {
    let without = pipeline("");
    assert!(without.catalog.is_none() && !without.stages().contains(&StageName::Catalog));
    assert!(without.catalog_news("My-Orders").is_none());
    let with = pipeline("[catalog]\nprojection = \"2020-01-01, NOW\"\n");
    assert!(with.stages().contains(&StageName::Catalog));
    let settings = with.catalog.as_ref().unwrap();
    assert_eq!(settings.database, "my_shop");
    assert_eq!(settings.projection.as_deref(), Some("2020-01-01,NOW"));
    assert_eq!(settings.debounce, Duration::from_secs(10));
    assert_eq!(with.catalog_news("My-Orders").unwrap().queue, "My-Shop-catalog");
}

#[test]
fn its_workers_write_lists_and_tables_and_nothing_else() {
    let plan = pipeline("[catalog]\ndatabase = \"shop\"\n").plan();
    let service = |stage| plan.services.iter().find(|one| one.stage == stage).unwrap();
    let access = &service(StageName::Catalog).access;
    let tables = access.tables.as_ref().unwrap();
    assert_eq!(
        (tables.database.as_str(), &tables.names[..]),
        ("shop", &["my_orders".to_owned()][..])
    );
    let prefixes: Vec<&str> = access.writes.iter().map(|one| one.prefix.as_str()).collect();
    assert_eq!(prefixes, ["_symlinks/My-Orders/"]);
    assert!(access.deletes.is_empty() && access.sends_to.is_empty());
    for stage in [StageName::Transform, StageName::Load] {
        let sends_to = &service(stage).access.sends_to;
        assert!(sends_to.contains(&"My-Shop-catalog".to_owned()), "{stage}: {sends_to:?}");
    }
    let template = plan.cloudformation();
    let policies = template["Resources"]["CatalogTaskRole"].to_string();
    assert!(policies.contains("glue:BatchCreatePartition"), "{policies}");
    assert!(policies.contains("table/shop/my_orders"), "{policies}");
}

#[test]
fn what_no_catalog_takes_is_said() {
    assert_eq!(problem("[catalog]\ndatabase = \"My-Shop\"\n"), "`My-Shop` cannot be a database");
    assert_eq!(problem("[catalog]\nprojection = \"2020\"\n"), "`2020` is no range of days");
    let twice = "[datasets.my_orders]\nmatch = \"other/*.csv\"\n[catalog]\n";
    assert!(problem(twice).contains("would both be table `my_orders`"));
}
