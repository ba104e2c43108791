//! The biannual report: the last table of a sheet of a workbook becomes a table
//! with a key.

use anyhow::Context;

use super::scene::Scene;
use super::workbook::{Cell, Workbook};
use super::{report, step};

/// What to try next.
pub(super) const NEXT_STEPS: [&str; 3] = ["runs", "rejects list", "dev"];

/// Publishes two editions of the report, one with a blanked cell, and shows what
/// became of them.
pub(super) async fn play(scene: &Scene<'_>) -> anyhow::Result<()> {
    write_samples(scene).context("sample workbooks")?;
    let note = "raw/reports/2021-03.xlsx: a cell of the last table was blanked";
    let files = scene.publish(&[note.to_owned()]).await?;
    step("ingest → transform → load");
    scene.drain(files).await?;
    scene
        .show(
            "Headcount by gender, from the report of September 2020",
            "select other_entities, headcount_female, headcount_male, headcount_total, \
             percentage_female, percentage_male from p18_19_5 \
             where edition = '2020-09' order by headcount_total",
        )
        .await?;
    let warehouse = scene.setup.warehouse(2).await?;
    report::print(scene.stack, &scene.setup.pipeline, &scene.ledger, &warehouse).await
}

fn write_samples(scene: &Scene<'_>) -> std::io::Result<()> {
    let folder = scene.samples().join("raw/reports");
    std::fs::create_dir_all(&folder)?;
    for (edition, blanked) in [("2020-09", None), ("2021-03", Some("State Library"))] {
        std::fs::write(folder.join(format!("{edition}.xlsx")), report_of(blanked)?)?;
    }
    Ok(())
}

/// The sheet with the table, as it is named in the report.
const SHEET: &str = "pg 18 and 19 gender";

/// Agencies with the number of women and men who work there.
type Staff = [(&'static str, u32, u32)];

const DEPARTMENTS: [(&str, u32, u32); 4] = [
    ("Department of Agriculture", 862, 1198),
    ("Department of Education", 57_021, 16_240),
    ("Department of Transport", 3_118, 4_406),
    ("Treasury", 753, 530),
];

const OTHERS: [(&str, u32, u32); 5] = [
    ("Legal Aid", 480, 143),
    ("Art Gallery", 234, 131),
    ("Human Rights Commission", 35, 9),
    ("Museum", 219, 110),
    ("State Library", 255, 98),
];

/// A workbook as the report is published: a sheet with several tables, set apart by
/// blank rows, each with a header of two rows and a total in its last row.
fn report_of(blanked: Option<&str>) -> std::io::Result<Vec<u8>> {
    let mut sheet = vec![vec![Cell::text("Headcount and percentage by gender and agency")]];
    add_table(&mut sheet, "Agency", &DEPARTMENTS, None);
    sheet.push(Vec::new());
    add_table(&mut sheet, "Other entities", &OTHERS, blanked);
    let size = vec![vec![Cell::text("Workforce size"), Cell::number("1")]];
    Workbook::new().sheet("workforce size", &size).sheet(SHEET, &sheet).bytes()
}

fn add_table(sheet: &mut Vec<Vec<Cell>>, of: &str, staff: &Staff, blanked: Option<&str>) {
    let empty = || Cell::Empty;
    let groups = [empty(), Cell::text("Headcount"), empty(), empty(), Cell::text("Percentage")];
    sheet.push(groups.into());
    let columns = [of, "Female", "Male", "Total", "Female", "Male"];
    sheet.push(columns.map(Cell::text).into());
    let total = staff.iter().fold((0, 0), |sum, (_, women, men)| (sum.0 + women, sum.1 + men));
    for (name, women, men) in staff.iter().copied().chain([("Sector total", total.0, total.1)]) {
        let all = women + men;
        let share = |part: u32| Cell::number(f64::from(part) / f64::from(all));
        let head = if blanked == Some(name) { empty() } else { Cell::number(women) };
        let row = [
            Cell::text(name),
            head,
            Cell::number(men),
            Cell::number(all),
            share(women),
            share(men),
        ];
        sheet.push(row.into());
    }
}
